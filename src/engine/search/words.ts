/** Words as the catalog's index cuts them (FTS5's unicode61 without diacritics), and questions to it. Pure. */

/** Letters, digits and private use: what unicode61 takes for parts of a word. */
const WORD = /[\p{L}\p{N}\p{Co}]+/gu;
/** Prefixes of these lengths have an index of their own (catalog/schema.ts); every other one is sifted from the next shorter. */
const INDEXED = [4, 2] as const;
/** More words than anybody types; each is a list to be walked. */
export const MAX_WORDS = 16;

export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.match(WORD) ?? [];
}

/** An FTS5 question whose rows are all that `hasWords` accepts, and some more. */
export function ftsQuestion(words: readonly string[]): string {
  return words
    .map((word) => {
      const letters = [...word];
      const length = INDEXED.find((indexed) => letters.length >= indexed);
      // A single letter is a word of its own: as a prefix it would be nearly everything.
      return length === undefined ? `"${word}"` : `"${letters.slice(0, length).join('')}" *`;
    })
    .join(' ');
}

/** Whether each of `wanted` begins a word of the text (single letters: is one). */
export function hasWords(text: string, wanted: readonly string[]): boolean {
  if (ASCII.test(text)) {
    const plain = text.toLowerCase();
    return wanted.every((want) => beginsWord(plain, want));
  }
  const words = wordsOf(text);
  return wanted.every((want) =>
    words.some((word) => ([...want].length === 1 ? word === want : word.startsWith(want))),
  );
}

const ASCII = /^[\0-\x7f]*$/;
const PART = /[a-z0-9]/;

/** The same without cutting the text, which thousands of names are asked for. */
function beginsWord(plain: string, want: string): boolean {
  for (let at = plain.indexOf(want); at >= 0; at = plain.indexOf(want, at + 1)) {
    if (at > 0 && PART.test(plain[at - 1]!)) continue;
    const end = at + want.length;
    if (want.length > 1 || end === plain.length || !PART.test(plain[end]!)) return true;
  }
  return false;
}
