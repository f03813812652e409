import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, MAX_SUGGESTIONS, suggest } from '../../src/config/suggest.ts';
import { realRegistry } from '../support/registry.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Every deletion, insertion, replacement and adjacent swap of one letter. */
function singleEdits(word: string): Set<string> {
  const edits = new Set<string>();
  for (let i = 0; i <= word.length; i++) {
    const [head, tail] = [word.slice(0, i), word.slice(i)];
    if (tail) edits.add(head + tail.slice(1));
    if (tail.length > 1) edits.add(head + tail[1] + tail[0] + tail.slice(2));
    for (const letter of LETTERS) {
      if (tail) edits.add(head + letter + tail.slice(1));
      edits.add(head + letter + tail);
    }
  }
  edits.delete(word);
  edits.delete('');
  return edits;
}

/** A small generator with a fixed seed (Numerical Recipes), so that the measurement repeats. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('measured on the real commands and synonyms', () => {
  const registry = realRegistry();
  const names = registry
    .next([])
    .map(({ word }) => word)
    .filter((word) => word.length > 1);
  /** What may stand at one place: the first words, and those that follow each of them. */
  const levels = [names, ...names.map((word) => registry.next([word]).map((next) => next.word))].filter(
    (level) => level.length > 0,
  );

  it('D.9-47: has the right name among the three for at least 99 % of all single-edit typos', () => {
    let all = 0;
    let first = 0;
    const missed: string[] = [];
    for (const level of levels) {
      for (const name of level) {
        for (const typo of singleEdits(name)) {
          // A typo that is another command is no typo.
          if (level.includes(typo)) continue;
          all++;
          const found = suggest(typo, level);
          if (found[0] === name) first++;
          if (!found.includes(name)) missed.push(`${name} ← ${typo}`);
        }
      }
    }
    const share = 1 - missed.length / all;
    process.stdout.write(
      `${all} typos: ${(share * 100).toFixed(2)} % among the three, ${((first / all) * 100).toFixed(2)} % first\n`,
    );
    expect(all).toBeGreaterThan(13_000);
    expect(
      share,
      `${missed.length} of ${all} missed: ${missed.slice(0, 20).join(', ')}`,
    ).toBeGreaterThanOrEqual(0.99);
  });

  it('D.9-47: offers something for at most 2 % of random words', () => {
    const next = random(7);
    let offered = 0;
    const words = 5000;
    for (let i = 0; i < words; i++) {
      const length = 3 + Math.floor(next() * 8);
      const word = Array.from({ length }, () => LETTERS[Math.floor(next() * 26)]).join('');
      if (!names.includes(word) && suggest(word, names).length > 0) offered++;
    }
    expect(offered / words).toBeLessThanOrEqual(0.02);
  });
});

describe('suggest', () => {
  it.each([
    ['stauts', ['status', 'stats', 'put'], 'status'],
    ['heatlh', ['health', 'help'], 'health'],
    ['ptu', ['put', 'get'], 'put'],
    ['PEERS', ['peers'], 'peers'],
    ['compl', ['completion', 'config'], 'completion'],
  ])('%s', (typed, names, expected) => expect(suggest(typed, names)[0]).toBe(expected));

  it('never offers more than three, nor one twice', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ maxLength: 6 })), (typed, names) => {
        const found = suggest(typed, names);
        expect(found.length).toBeLessThanOrEqual(MAX_SUGGESTIONS);
        expect(new Set(found).size).toBe(found.length);
        for (const name of found) expect(names).toContain(name);
      }),
    );
  });

  it('counts a swap of neighbours as one edit, and is a distance', () => {
    expect(editDistance('ab', 'ba')).toBe(1);
    expect(editDistance('status', 'stauts')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const edits = editDistance(a, b);
        expect(edits === 0).toBe(a === b);
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
