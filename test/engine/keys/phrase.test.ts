import { mnemonicToSeedSync } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { closestWords, editDistance } from '../../../src/engine/keys/closest-words.ts';
import {
  entropyOfPhrase,
  newPhrase,
  PHRASE_WORDS,
  phraseOfEntropy,
  seedOfPhrase,
} from '../../../src/engine/keys/phrase.ts';

const phrase = phraseOfEntropy(new Uint8Array(32).map((_, index) => index * 7));
const words = phrase.split(' ');
const badPhrase = (message: string) =>
  expect.objectContaining({ code: 'bad-phrase', exit: 2, message: expect.stringContaining(message) });

describe('the recovery phrase', () => {
  it('goes to entropy and back for any entropy', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (entropy) => {
        expect(entropyOfPhrase(phraseOfEntropy(entropy))).toEqual(new Uint8Array(entropy));
      }),
    );
  });

  it('is new each time, 24 words of the list', () => {
    const made = newPhrase(realRandom()).split(' ');
    expect(made).toHaveLength(PHRASE_WORDS);
    expect(made.every((word) => wordlist.includes(word))).toBe(true);
    expect(newPhrase(realRandom())).not.toBe(newPhrase(realRandom()));
  });

  it('agrees with BIP-39 about the seed', () => {
    expect(seedOfPhrase(phrase)).toEqual(new Uint8Array(mnemonicToSeedSync(phrase)));
  });

  it('is read as people write it down', () => {
    const written = words.map((word, index) => `${index + 1}. ${word.toUpperCase()}\n`).join('  ');
    expect(entropyOfPhrase(written)).toEqual(entropyOfPhrase(phrase));
    expect(entropyOfPhrase(`\t${words.join(', ')} `)).toEqual(entropyOfPhrase(phrase));
  });
});

describe('a wrong phrase', () => {
  it.each([0, 1, 12, 23, 25])('of %i words names the count', (count) => {
    const text = Array.from({ length: count }, () => 'abandon').join(' ');
    expect(() => entropyOfPhrase(text)).toThrow(badPhrase(`has ${count} word`));
  });

  it('names the unknown words, their places and what they may be', () => {
    const typed = [...words];
    typed[2] = 'abandn';
    typed[20] = 'zebrra';
    expect(() => entropyOfPhrase(typed.join(' '))).toThrow(
      badPhrase('word 3 ("abandn"): did you mean abandon'),
    );
    expect(() => entropyOfPhrase(typed.join(' '))).toThrow(
      badPhrase('word 21 ("zebrra"): did you mean zebra'),
    );
  });

  it('names the checksum when all words are known', () => {
    const swapped = [words[1], words[0], ...words.slice(2)].join(' ');
    expect(() => entropyOfPhrase(swapped)).toThrow(badPhrase('checksum'));
  });

  it('never shows the words that were right', () => {
    const typed = [...words];
    typed[2] = 'xxxxxx';
    try {
      entropyOfPhrase(typed.join(' '));
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify((error as { toRecord(): unknown }).toRecord())).not.toContain(words[5]);
    }
  });

  it('of any length is refused, not worked on', () => {
    expect(() => entropyOfPhrase('a '.repeat(5_000_000))).toThrow(badPhrase('is not a recovery phrase'));
  });
});

describe('closest words', () => {
  it('knows a word by its first four letters', () => {
    expect(closestWords('abanxxxxxxx', wordlist)[0]).toBe('abandon');
  });

  it('finds nothing for noise', () => {
    expect(closestWords('qqqqqqqqqq', wordlist)).toEqual([]);
  });

  it('counts edits as a metric does, a swap as one', () => {
    expect(editDistance('abandno', 'abandon')).toBe(1);
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        const edits = editDistance(a, b);
        expect(edits).toBe(editDistance(b, a));
        expect(edits === 0).toBe(a === b);
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
