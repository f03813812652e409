/** The recovery phrase: 24 words of BIP-39 (English list), 256 bits of entropy and 8 of checksum. */
import { pbkdf2Sync } from 'node:crypto';
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { DatameshError } from '../../errors.ts';
import type { Random } from '../effects/random.ts';
import { closestWords } from './closest-words.ts';

export const PHRASE_WORDS = 24;
export const ENTROPY_BYTES = 32;
/** BIP-39 fixes 2048 rounds; the strength lies in the 256 random bits, not here. */
const SEED_ROUNDS = 2048;
const SEED_BYTES = 64;
/** A text longer than this is not a phrase: 24 words of at most 8 letters take 215 characters. */
const MAX_PHRASE_CHARS = 2048;

const KNOWN_WORDS: ReadonlySet<string> = new Set(wordlist);

/** A fresh phrase; `random` must be the system's generator. */
export function newPhrase(random: Random): string {
  return phraseOfEntropy(random.bytes(ENTROPY_BYTES));
}

/** The 24 words, separated by one space, of 32 bytes of entropy. */
export function phraseOfEntropy(entropy: Uint8Array): string {
  if (entropy.length !== ENTROPY_BYTES) {
    throw new DatameshError('malformed-data', {
      what: `a recovery phrase has ${ENTROPY_BYTES} bytes of entropy, this one ${entropy.length}`,
    });
  }
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * The 32 bytes of entropy behind a phrase as a person typed it: any case, any white space, numbers before the words
 * allowed ("1. abandon"). Throws `bad-phrase` that names the wrong words and their places, the wrong count, or the checksum.
 */
export function entropyOfPhrase(text: string): Uint8Array {
  const words = phraseWords(text);
  if (words.length !== PHRASE_WORDS) {
    throw new DatameshError('bad-phrase', {
      what: `the recovery phrase has ${words.length} ${words.length === 1 ? 'word' : 'words'}, it needs ${PHRASE_WORDS}`,
      mend: 'enter all 24 words in their order, separated by spaces',
      details: { words: words.length },
    });
  }
  const unknown = words.flatMap((word, index) => (KNOWN_WORDS.has(word) ? [] : [{ word, place: index + 1 }]));
  if (unknown.length > 0) throw unknownWords(unknown);
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch (cause) {
    throw new DatameshError('bad-phrase', {
      what: 'the checksum of the recovery phrase is wrong',
      why: 'every word is in the list, so one is another word than was written down, or two have changed places',
      mend: 'compare each word and its place with what you wrote down',
      cause,
    });
  }
}

/** The 64-byte BIP-39 seed (empty BIP-39 passphrase) of a valid phrase. */
export function seedOfPhrase(text: string): Uint8Array {
  const phrase = phraseOfEntropy(entropyOfPhrase(text));
  // The English list is ASCII, so the NFKD form that BIP-39 asks for is the phrase itself.
  return new Uint8Array(pbkdf2Sync(phrase, 'mnemonic', SEED_ROUNDS, SEED_BYTES, 'sha512'));
}

/** The words of a typed phrase, lower case, without numbering. */
export function phraseWords(text: string): string[] {
  if (text.length > MAX_PHRASE_CHARS) {
    throw new DatameshError('bad-phrase', {
      what: `a text of ${text.length} characters is not a recovery phrase`,
      mend: 'enter the 24 words and nothing else',
    });
  }
  return text
    .normalize('NFKD')
    .toLowerCase()
    .split(/[\s,]+/)
    .map((word) => word.replace(/^\d+[.):]?/, ''))
    .filter((word) => word !== '');
}

function unknownWords(unknown: { word: string; place: number }[]): DatameshError {
  const described = unknown.slice(0, 3).map(({ word, place }) => {
    const close = closestWords(word, wordlist);
    return `word ${place} ("${word.slice(0, 20)}")${close.length > 0 ? `: did you mean ${close.join(', ')}?` : ''}`;
  });
  const more = unknown.length > 3 ? `, and ${unknown.length - 3} more` : '';
  return new DatameshError('bad-phrase', {
    what: `not in the BIP-39 word list: ${described.join('; ')}${more}`,
    mend: 'compare these words with what you wrote down',
    details: { places: unknown.map(({ place }) => place) },
  });
}
