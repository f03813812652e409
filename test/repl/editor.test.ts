import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EditorAction,
  type EditorState,
  edit,
  emptyEditor,
  MAX_LINE_UNITS,
} from '../../src/repl/editor.ts';
import { graphemes } from '../../src/repl/graphemes.ts';

const run = (...actions: EditorAction[]) => actions.reduce(edit, emptyEditor());
const insert = (text: string): EditorAction => ({ type: 'insert', text });
const home: EditorAction = { type: 'move', reach: 'line', direction: -1 };

/** "ab|cd" */
const picture = (state: EditorState) =>
  `${state.text.slice(0, state.caret)}|${state.text.slice(state.caret)}`;

function isBoundary(text: string, at: number): boolean {
  let sum = 0;
  for (const part of [...graphemes(text), '']) {
    if (sum === at) return true;
    sum += part.length;
  }
  return false;
}

const pieces = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('e', '\u0301', '👩', '\u200d', '👧', '日本', '🇩', '🇪', '\u{1f3fd}', ' ', 'a b'),
);
const direction = fc.constantFrom<-1 | 1>(-1, 1);
const action: fc.Arbitrary<EditorAction> = fc.oneof(
  { weight: 4, arbitrary: pieces.map((text): EditorAction => ({ type: 'insert', text })) },
  fc.record({
    type: fc.constant('move' as const),
    reach: fc.constantFrom('char' as const, 'word' as const, 'line' as const),
    direction,
  }),
  fc.record({ type: fc.constant('erase' as const), direction }),
  fc.record({
    type: fc.constant('kill' as const),
    reach: fc.constantFrom('word' as const, 'blank-word' as const, 'line' as const),
    direction,
  }),
  fc.constantFrom<EditorAction>(
    { type: 'yank' },
    { type: 'yank-pop' },
    { type: 'transpose' },
    { type: 'undo' },
  ),
);

describe('the line editor', () => {
  it('keeps the caret on a grapheme boundary, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let state = emptyEditor();
        for (const each of actions) {
          state = edit(state, each);
          expect(isBoundary(state.text, state.caret)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never loses a character that is typed, wherever the caret stands', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), fc.nat()), {
          maxLength: 20,
        }),
        (typed) => {
          let state = emptyEditor();
          const count = new Map<string, number>();
          for (const [text, at] of typed) {
            state = edit(state, { type: 'set', text: state.text, caret: at % (state.text.length + 1) });
            const before = state.text;
            const caret = state.caret;
            state = edit(state, { type: 'insert', text });
            expect(state.text).toBe(before.slice(0, caret) + text + before.slice(caret));
            expect(state.caret).toBeGreaterThanOrEqual(caret + text.length);
            for (const unit of text) count.set(unit, (count.get(unit) ?? 0) + 1);
          }
          for (const [unit, times] of count)
            expect([...state.text].filter((each) => each === unit).length).toBe(times);
        },
      ),
    );
  });

  it('gives back by yank exactly what a kill took', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }),
        fc.nat(),
        fc.constantFrom('word' as const, 'blank-word' as const, 'line' as const),
        direction,
        (text, at, reach, way) => {
          const before = edit(emptyEditor(), { type: 'set', text, caret: at % (text.length + 1) });
          const killed = edit(before, { type: 'kill', reach, direction: way });
          const back = edit(killed, { type: 'yank' });
          expect(back.text).toBe(killed.kills.length === 0 ? killed.text : text);
        },
      ),
    );
  });

  it('undoes step by step to where it began', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        let state = actions.reduce(edit, emptyEditor());
        for (let at = 0; at <= actions.length; at++) state = edit(state, { type: 'undo' });
        expect(state.undo).toEqual([]);
        expect(state.text).toBe('');
      }),
    );
  });

  it('moves and kills by words as readline does', () => {
    const typed = run(insert('put ./my-file.txt --tag a'));
    expect(picture(edit(typed, { type: 'move', reach: 'word', direction: -1 }))).toBe(
      'put ./my-file.txt --tag |a',
    );
    expect(picture(edit(typed, { type: 'kill', reach: 'blank-word', direction: -1 }))).toBe(
      'put ./my-file.txt --tag |',
    );
    const twice = [1, 2, 3].reduce(
      (state) => edit(state, { type: 'kill', reach: 'blank-word', direction: -1 }),
      typed,
    );
    expect(picture(twice)).toBe('put |');
    expect(picture(edit(twice, { type: 'yank' }))).toBe('put ./my-file.txt --tag a|');
    expect(picture(edit(edit(typed, home), { type: 'kill', reach: 'word', direction: 1 }))).toBe(
      '| ./my-file.txt --tag a',
    );
  });

  it('passes a word as long as a line may be before anybody waits for it', () => {
    const long = run(insert(`put ${'é'.repeat(20_000)}`));
    const began = performance.now();
    expect(edit(long, { type: 'move', reach: 'word', direction: -1 }).caret).toBe(4);
    expect(edit(long, { type: 'kill', reach: 'blank-word', direction: -1 }).text).toBe('put ');
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('rotates the kill ring', () => {
    const state = run(insert('one'), { type: 'kill', reach: 'line', direction: -1 }, insert('two'), {
      type: 'kill',
      reach: 'line',
      direction: -1,
    });
    const yanked = edit(state, { type: 'yank' });
    expect(yanked.text).toBe('two');
    expect(edit(yanked, { type: 'yank-pop' }).text).toBe('one');
  });

  it('swaps graphemes, also at the end', () => {
    expect(picture(edit(run(insert('abc')), { type: 'transpose' }))).toBe('acb|');
    const family = run(insert('a👩‍👩‍👧'));
    expect(edit(family, { type: 'transpose' }).text).toBe('👩‍👩‍👧a');
  });

  it('takes line ends of any kind as LF and drops what would move the cursor', () => {
    expect(run(insert('a\r\nb\rc\u001b[2Jd\u0000')).text).toBe('a\nb\nc[2Jd');
  });

  it('stops at the longest line that could run, without half a character', () => {
    const state = run(insert('😀'.repeat(MAX_LINE_UNITS)));
    expect(state.text.length).toBeLessThanOrEqual(MAX_LINE_UNITS);
    expect(state.text.isWellFormed()).toBe(true);
  });
});
