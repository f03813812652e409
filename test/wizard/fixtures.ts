/** A machine as the wizard's tests see it: fixed facts, no disk, no network. */

import { phraseOfEntropy } from '../../src/engine/keys/phrase.ts';
import type { WizardFacts } from '../../src/wizard/facts.ts';
import { contextOfState } from '../../src/wizard/navigate.ts';
import { wizardReducer } from '../../src/wizard/reducer.ts';
import {
  initialState,
  type WizardEffect,
  type WizardEvent,
  type WizardState,
} from '../../src/wizard/state.ts';

export const WORDS = phraseOfEntropy(new Uint8Array(32).map((_, index) => index * 11)).split(' ');

export function testFacts(change: Partial<WizardFacts> = {}): WizardFacts {
  return {
    defaultName: 'alpha',
    defaultDataDir: '/data/datamesh',
    configPath: '/config/datamesh/config.json',
    existing: undefined,
    preflight: [{ label: 'Node.js', state: 'ok', detail: '24.0.0' }],
    disks: {
      '/data/datamesh': { freeBytes: 60 * 2 ** 30, totalBytes: 100 * 2 ** 30, kind: 'local', keys: [] },
    },
    newPhrase: { words: WORDS, ask: [4, 17] },
    ...change,
  };
}

/** Drives the pure reducer; checks succeed at once unless `results` says otherwise. */
export class Driver {
  state: WizardState;
  effects: WizardEffect[] = [];
  results: Record<string, { problem?: string; note?: string }> = {};

  constructor(facts = testFacts()) {
    this.state = initialState(facts);
  }

  send(...events: WizardEvent[]): this {
    for (const event of events) {
      const { state, effects } = wizardReducer(this.state, event);
      this.state = state;
      for (const effect of effects) {
        this.effects.push(effect);
        if (effect.type === 'check') {
          this.send({ type: 'checked', question: effect.question, ...(this.results[effect.question] ?? {}) });
        }
      }
    }
    return this;
  }

  type(value: string): this {
    return this.send({ type: 'text', question: this.state.question ?? '', value });
  }

  enter(times = 1): this {
    for (let i = 0; i < times; i++) this.send({ type: 'enter' });
    return this;
  }

  /** Enter until `question` is asked; the two words are given when they are wanted. */
  to(question: string): this {
    for (let i = 0; i < 100 && this.state.question !== question; i++) this.step();
    if (this.state.question !== question)
      throw new Error(`never asked: ${question}; at ${this.state.question}`);
    return this;
  }

  toReview(): this {
    for (let i = 0; i < 100 && this.state.screen !== 'review'; i++) this.step();
    if (this.state.screen !== 'review')
      throw new Error(`stuck at ${this.state.question}: ${this.state.problem}`);
    return this;
  }

  private step(): void {
    const { ask, words } = this.state.facts.newPhrase;
    if (this.state.question === 'word-one') this.type(words[ask[0]]!);
    if (this.state.question === 'word-two') this.type(words[ask[1]]!);
    this.enter();
  }

  value(id: string): string {
    return contextOfState(this.state).value(id);
  }
}
