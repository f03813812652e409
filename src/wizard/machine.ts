/** The running wizard: keys in, reducer, effects out. Framework-free; views subscribe. */
import { dirname } from 'node:path';
import { asDatameshError } from '../errors.ts';
import type { WizardFacts } from './facts.ts';
import { type GatherRequest, preflight } from './gather-facts.ts';
import { contextOfState, textFieldActive } from './navigate.ts';
import { type ProbeResult, probeBootstrap, probeDataDir, probeKeyFile, probePort } from './probes.ts';
import type { CheckKind } from './question.ts';
import { listOf } from './questions/network.ts';
import { wizardReducer } from './reducer.ts';
import { initialState, type WizardEffect, type WizardEvent, type WizardState } from './state.ts';
import type { WizardKey, WizardMachine, WizardOutcome } from './wizard-machine.ts';
import { saveAnswers, writeSetup } from './write.ts';

export interface WizardRequest extends GatherRequest {
  facts: WizardFacts;
  /** Given on the command line: answers to begin with. */
  answers?: Readonly<Record<string, string>> | undefined;
  /** False where no console can follow; the last screen then says so. */
  offersConsole?: boolean | undefined;
  /** For tests: effects of another kind. */
  runCheck?: (kind: CheckKind, value: string) => Promise<ProbeResult>;
}

/** Typed ahead while something was checked; more than a person can type in that time is noise. */
const MAX_TYPED_AHEAD = 4096;

export function createWizard(request: WizardRequest): WizardMachine {
  let state: WizardState = {
    ...initialState(request.facts),
    answers: request.answers ?? {},
    offersConsole: request.offersConsole ?? true,
  };
  let queue: WizardEvent[] = [];
  let typedAhead: WizardEvent[] = [];
  let scheduled = false;
  let savedTo = '';
  let leftOver = '';
  const listeners = new Set<() => void>();
  const { promise: done, resolve, reject } = Promise.withResolvers<WizardOutcome>();

  /** Events wait for a microtask, so that all handlers of one key decide by the state before it. */
  const enqueue = (...events: WizardEvent[]) => {
    queue.push(...events);
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(flush);
  };

  const flush = () => {
    scheduled = false;
    const events = queue;
    queue = [];
    const before = state;
    for (const event of events) apply(event);
    if (state === before) return;
    for (const listener of listeners) listener();
    if (state.outcome !== 'running') settle();
  };

  const apply = (event: WizardEvent) => {
    if (state.outcome !== 'running') {
      leftOver = (leftOver + typedText(event)).slice(0, MAX_TYPED_AHEAD);
      return;
    }
    const waits = state.busy !== undefined && isTyped(event);
    if (waits) {
      if (typedAhead.length < MAX_TYPED_AHEAD) typedAhead.push(event);
      return;
    }
    const step = wizardReducer(state, event);
    state = step.state;
    for (const effect of step.effects) start(effect);
    if (state.busy !== undefined || typedAhead.length === 0) return;
    const waiting = typedAhead;
    typedAhead = [];
    for (const each of waiting) apply(each);
  };

  const start = (effect: WizardEffect) => {
    run(effect).then(enqueue, (error: unknown) => {
      const failure = asDatameshError(error);
      if (failure.code === 'internal') return reject(failure);
      enqueue({
        type: 'failed',
        problem: [failure.message, failure.why, failure.mend].filter(Boolean).join('; '),
      });
    });
  };

  const run = async (effect: WizardEffect): Promise<WizardEvent> => {
    const context = contextOfState(state);
    switch (effect.type) {
      case 'check': {
        const check = request.runCheck ?? checkOn(dirname(state.facts.configPath));
        return { type: 'checked', question: effect.question, ...(await check(effect.kind, effect.value)) };
      }
      case 'preflight':
        return { type: 'preflight', items: await preflight(state.facts, request) };
      case 'write':
        return {
          type: 'written',
          written: { ...(await writeSetup(context, request.random)), openConsole: false },
        };
      case 'save-answers':
        savedTo = await saveAnswers(context);
        return { type: 'answers-saved', path: savedTo };
    }
  };

  const settle = () => {
    const { outcome, written, secrets } = state;
    if (outcome === 'left') resolve({ kind: 'left' });
    if (outcome === 'answers-saved') resolve({ kind: 'answers-saved', path: savedTo });
    if (outcome === 'written' && written !== undefined) {
      const { config, configPath, openConsole } = written;
      resolve({
        kind: 'written',
        config,
        configPath,
        passphrase: secrets.passphrase || undefined,
        openConsole,
      });
    }
  };

  return {
    done,
    takeTypedAhead() {
      const text = leftOver;
      leftOver = '';
      return text;
    },
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    key: (input, key) => enqueue(...eventsOf(input, key, textFieldActive(state))),
    paste: (text) => enqueue(...charsOf(text)),
    text(question, value) {
      // A chunk with Enter in it ("alpha\r"): the field takes what is before, the next questions what comes after.
      const at = value.search(/[\r\n]/);
      if (at < 0) return enqueue({ type: 'text', question, value });
      enqueue({ type: 'text', question, value: value.slice(0, at) }, { type: 'enter' });
      enqueue(...charsOf(value.slice(at).replace(/^\r\n|^[\r\n]/, '')));
    },
  };
}

function eventsOf(input: string, key: WizardKey, fieldActive: boolean): WizardEvent[] {
  if (key.ctrl === true) {
    const byLetter: Record<string, WizardEvent> = {
      c: { type: 'interrupt' },
      b: { type: 'back' },
      r: { type: 'review' },
      u: { type: 'clear' },
    };
    const event = byLetter[input];
    return event === undefined ? [] : [event];
  }
  if (key.escape === true) return [{ type: 'escape' }];
  if (key.tab === true) return key.shift === true ? [{ type: 'back' }] : [];
  if (key.return === true) return [{ type: 'enter' }];
  if (key.upArrow === true || (key.leftArrow === true && !fieldActive)) return [{ type: 'move', by: -1 }];
  if (key.downArrow === true || (key.rightArrow === true && !fieldActive)) return [{ type: 'move', by: 1 }];
  if (key.backspace === true || key.delete === true) return fieldActive ? [] : [{ type: 'erase' }];
  if (key.meta === true || fieldActive) return [];
  return charsOf(input);
}

/** Text that no field takes by itself, key by key. CR, LF and CRLF are Enter. */
function charsOf(text: string): WizardEvent[] {
  return [...text.replaceAll('\r\n', '\r')].flatMap((char): WizardEvent[] => {
    if (char === '\r' || char === '\n') return [{ type: 'enter' }];
    if (char === '\u0003') return [{ type: 'interrupt' }];
    return char < ' ' || char === '\u007f' ? [] : [{ type: 'char', char }];
  });
}

function isTyped(event: WizardEvent): boolean {
  return event.type === 'char' || event.type === 'enter' || event.type === 'text' || event.type === 'move';
}

function typedText(event: WizardEvent): string {
  if (event.type === 'char') return event.char;
  return event.type === 'enter' ? '\r' : '';
}

/** The checks of the real machine. */
export function checkOn(configDir: string): (kind: CheckKind, value: string) => Promise<ProbeResult> {
  return async (kind, value) => {
    switch (kind) {
      case 'data-dir':
        return probeDataDir(value, configDir);
      case 'port':
        return /^\d+$/.test(value) ? probePort(Number(value)) : {};
      case 'bootstrap':
        return probeBootstrap(listOf(value));
      case 'key-file':
        return probeKeyFile(value);
    }
  };
}
