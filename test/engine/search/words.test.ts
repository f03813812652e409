/** Words of names: the quick way says what the slow one says, and the index's question never misses what they find. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ftsQuestion, hasWords, wordsOf } from '../../../src/engine/search/words.ts';

const piece = fc.constantFrom(
  'a',
  'Re',
  'report',
  'REPORTS',
  '2026',
  'x',
  '/',
  '-',
  '_',
  '.',
  ' ',
  'é',
  'ü',
  '日本',
  '"',
  '*',
  '(',
);
const text = fc.array(piece, { minLength: 1, maxLength: 8 }).map((all) => all.join(''));

it('finds words by how they begin, whatever their case and accents', () => {
  expect(wordsOf('Photos/2026_Zürich-été.JPG')).toEqual(['photos', '2026', 'zurich', 'ete', 'jpg']);
  expect(hasWords('photos/2026/Zürich.jpg', ['zur', 'pho'])).toBe(true);
  expect(hasWords('photos/report.pdf', ['port'])).toBe(false);
  expect(hasWords('plan b.txt', ['b'])).toBe(true);
  expect(hasWords('plan bc.txt', ['b'])).toBe(false);
});

it('an ASCII text is answered as any other', () => {
  fc.assert(
    fc.property(text, text, (name, query) => {
      const words = wordsOf(query);
      // A sign that is no part of a word makes the text take the other way.
      expect(hasWords(name, words)).toBe(hasWords(`${name} ☃`, words));
    }),
    { numRuns: 500 },
  );
});

it('what has the words is among the answers to the question', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`CREATE VIRTUAL TABLE words USING fts5 (text, content = '', contentless_delete = 1, detail = none, prefix = '2 4',
    tokenize = 'unicode61 remove_diacritics 2')`);
  const add = db.prepare('INSERT OR REPLACE INTO words (rowid, text) VALUES (1, ?)');
  const ask = db.prepare('SELECT rowid FROM words WHERE words MATCH ?');
  fc.assert(
    fc.property(text, text, (name, query) => {
      const words = wordsOf(query);
      if (words.length === 0 || !hasWords(name, words)) return;
      db.exec('DELETE FROM words WHERE rowid = 1');
      add.run(name);
      expect(ask.get(ftsQuestion(words)), `${name} | ${query}`).toBeDefined();
    }),
    { numRuns: 500 },
  );
  db.close();
});
