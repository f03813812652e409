/**
 * How hard a passphrase is to guess, roughly. Argon2id at 64 MiB lets a rented GPU try some 10^3–10^4 a second, so
 * 50 bits are thousands of years and 30 bits a week. The estimate errs on the low side: it counts as free what people repeat,
 * continue (abc, 321) or take from the list of the most used.
 */

export interface Strength {
  /** Estimated guesses, as a power of two. */
  bits: number;
  verdict: 'weak' | 'fair' | 'strong';
  /** What would make it better; undefined when strong. */
  advice: string | undefined;
}

/** Below this a passphrase is refused. */
export const MIN_BITS = 40;
const STRONG_BITS = 60;
/** A letter that continues or repeats the one before adds hardly anything. */
const PREDICTABLE_BITS = 0.5;
/** A word of a list of 4,000 that people choose from, when the passphrase is made of words. */
const WORD_BITS = 12;

/** Substrings of leaked password lists that account for most accounts. */
const COMMON = [
  'password',
  'passwort',
  'qwerty',
  'qwertz',
  'asdf',
  'letmein',
  'iloveyou',
  'admin',
  'welcome',
  'monkey',
  'dragon',
  'datamesh',
  'secret',
];

export function passphraseStrength(passphrase: string): Strength {
  const bits = Math.floor(Math.min(charBits(withoutCommon(passphrase)), wordBits(passphrase)));
  if (bits >= STRONG_BITS) return { bits, verdict: 'strong', advice: undefined };
  const advice = 'use five or more words that do not belong together, or 12 and more mixed characters';
  return { bits, verdict: bits >= MIN_BITS ? 'fair' : 'weak', advice };
}

function charBits(text: string): number {
  const chars = [...text];
  const perChar = Math.log2(alphabetSize(text));
  let bits = 0;
  chars.forEach((char, index) => {
    const step = index === 0 ? undefined : char.codePointAt(0)! - chars[index - 1]!.codePointAt(0)!;
    const predictable = step === 0 || step === 1 || step === -1 || (index > 1 && char === chars[index - 2]);
    bits += predictable ? PREDICTABLE_BITS : perChar;
  });
  // Few distinct characters cannot carry more than their own count allows.
  return Math.min(bits, chars.length * Math.log2(Math.max(1, new Set(chars).size)) + perChar);
}

/** Words separated by blanks or dashes count by the word, or an English sentence would pass for random letters. */
function wordBits(text: string): number {
  const words = text
    .toLowerCase()
    .split(/[\s._-]+/)
    .filter((word) => word !== '');
  const plain = words.length > 1 && words.every((word) => /^\p{L}+$/u.test(word));
  return plain ? new Set(words).size * WORD_BITS : Number.POSITIVE_INFINITY;
}

function alphabetSize(text: string): number {
  const classes: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[ -/:-@[-`{-~]/, 33],
    [/[^ -~]/, 64],
  ];
  return Math.max(
    2,
    classes.reduce((sum, [pattern, size]) => sum + (pattern.test(text) ? size : 0), 0),
  );
}

function withoutCommon(text: string): string {
  let rest = text;
  for (const common of COMMON) rest = rest.replace(new RegExp(common, 'gi'), common[0]!);
  return rest;
}
