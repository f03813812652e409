import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EditorState, emptyEditor } from '../../src/repl/editor.ts';
import { graphemes, snapToBoundary } from '../../src/repl/graphemes.ts';
import { type KeyPress, keyPress, keysFromText } from '../../src/repl/keys.ts';
import { emptyPrompt, type PromptServices, type PromptState } from '../../src/repl/prompt-state.ts';
import { promptKey, promptPaste } from '../../src/repl/repl-model.ts';
import { VI_INSERT, VI_KEYS, VI_NORMAL, viCommand } from '../../src/repl/vi.ts';
import { presser } from './press.ts';

const entry = (cmd: string) => ({ t: 0, session: 'now', profile: '', cmd });
const services: PromptServices = {
  entries: () => [entry('list'), entry('status')],
  session: 'now',
  incomplete: () => false,
};
const ESC = keyPress('escape');

/** `^[` in the text is Esc. */
function keysOf(text: string): KeyPress[] {
  return text.split('^[').flatMap((part, at) => [...(at === 0 ? [] : [ESC]), ...keysFromText(part)]);
}

const press = (keys: readonly KeyPress[], from: PromptState = { ...emptyPrompt(), vi: VI_INSERT }) =>
  presser(services)(keys, from);

/** The line with the caret as `|`: before the character that it is on. */
function lineAfter(text: string, from?: PromptState): string {
  const { editor } = press(keysOf(text), from).state;
  return `${editor.text.slice(0, editor.caret)}|${editor.text.slice(editor.caret)}`;
}

describe('vi', () => {
  it.each([
    // Into normal mode, and moving.
    ['put a-b c^[', 'put a-b |c'],
    ['^[', '|'],
    ['put a-b c^[hh', 'put a-|b c'],
    ['put^[hhhhh', '|put'],
    ['put^[0lllll', 'pu|t'],
    ['put a-b c^[0w', 'put |a-b c'],
    ['put a-b c^[0ww', 'put a|-b c'],
    ['put a-b c^[0wwwwwwww', 'put a-b |c'],
    ['put a-b  c^[bb', 'put a|-b  c'],
    ['put a-b c^[bbbbbbb', '|put a-b c'],
    ['put a-b c^[0e', 'pu|t a-b c'],
    ['put a-b c^[0ee', 'put |a-b c'],
    ['put a-b c^[0eeeeeeee', 'put a-b |c'],
    ['  put a^[^', '  |put a'],
    ['  put a^[0', '|  put a'],
    ['put a^[0$', 'put |a'],
    // Inserting.
    ['put^[0iX', 'X|put'],
    ['put^[0aX', 'pX|ut'],
    ['  put^[0IX', '  X|put'],
    ['put^[0AX', 'putX|'],
    ['^[aX', 'X|'],
    // Cutting.
    ['put^[0x', '|ut'],
    ['put^[xxxxx', '|'],
    ['put^[X', 'p|t'],
    ['put^[0X', '|put'],
    ['put a b^[0wD', 'put| '],
    ['put a b^[0wCx', 'put x|'],
    ['put a b^[dd', '|'],
    ['put a b^[ccx', 'x|'],
    ['put a b^[0dw', '|a b'],
    ['put a b^[dw', 'put a| '],
    ['put a b^[0cwget', 'get| a b'],
    ['put  a^[0lllcwX', 'putX|a'],
    ['put a b^[0wdb', '|a b'],
    ['put a b^[0de', '| a b'],
    ['put a b^[0wd$', 'put| '],
    ['put a b^[0wd0', '|a b'],
    ['  put a^[d^', '  |a'],
    ['put^[0dl', '|ut'],
    ['put^[dh', 'p|t'],
    ['put a^[0dqx', '|ut a'],
    // Replacing, putting back, undoing.
    ['put^[0rg', '|gut'],
    ['put^[0rr', '|rut'],
    ['^[rx', '|'],
    ['ab^[0xp', 'b|a'],
    ['ab^[xP', '|ba'],
    ['put a b^[0dwp', 'aput|  b'],
    ['put a^[xu', 'put |a'],
    ['put a^[ddu', 'put |a'],
    ['put^[a more^[u', 'pu|t'],
    ['put^[a more^[uu', '|'],
    // Esc takes back what waits.
    ['put^[0d^[x', '|ut'],
  ])('%s gives %s', (typed, wanted) => {
    expect(lineAfter(typed)).toBe(wanted);
  });

  it('runs with Enter in both modes, and then inserts again', () => {
    const { state, effects } = press(keysOf('list\rstatus^[h\r'));
    expect(effects).toEqual([
      { type: 'run', line: 'list' },
      { type: 'run', line: 'status' },
    ]);
    expect(state.vi).toEqual(VI_INSERT);
    expect(state.editor.text).toBe('');
  });

  it('walks through the history with k and j, and searches it with /', () => {
    expect(lineAfter('^[k')).toBe('statu|s');
    expect(lineAfter('^[kk')).toBe('lis|t');
    expect(lineAfter('^[kkj')).toBe('statu|s');
    expect(press(keysOf('^[/lis')).state.search).toMatchObject({ query: 'lis' });
    expect(lineAfter('^[/lis\r')).toBe('lis|t');
  });

  it('takes Esc and a letter that come as one, and leaves readline’s keys with Ctrl', () => {
    const alt = (text: string) => keyPress('char', { text, alt: true });
    expect(press([...keysOf('put a'), alt('b')]).state).toMatchObject({
      vi: VI_NORMAL,
      editor: { caret: 0 },
    });
    const ctrlU = keyPress('char', { text: 'u', ctrl: true });
    expect(press([...keysOf('put a^['), ctrlU]).state.editor.text).toBe('a');
  });

  it('keeps the caret on a character when something is pasted', () => {
    const { state } = press(keysOf('ab^[0'));
    expect(promptPaste(state, 'xyz').editor).toMatchObject({ text: 'xyzab', caret: 3 });
    const empty = press([ESC]).state;
    expect(promptPaste(empty, 'xyz').editor).toMatchObject({ text: 'xyz', caret: 2 });
  });

  it('is without effect on the other mode’s prompt', () => {
    expect(lineAfter('put^[x', emptyPrompt())).toBe('putx|');
  });

  it('has in its table what does something', () => {
    const line: EditorState = {
      ...emptyEditor('  put a-b c'),
      caret: 6,
      kills: ['k'],
      undo: [{ text: 'o', caret: 0 }],
    };
    for (const key of VI_KEYS.flatMap(({ keys }) => keys)) {
      let step = viCommand(line, VI_NORMAL, key.slice(0, 1));
      if (key.length > 1) step = viCommand(step.editor, step.vi, key.slice(1));
      const { editor, vi, action } = step;
      const same = editor.text === line.text && editor.caret === line.caret && vi.mode === 'normal';
      expect(same && vi.pending === undefined && action === undefined, key).toBe(false);
    }
  });
});

describe('vi, whatever is typed', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    ' ',
    '-',
    '日',
    'e\u0301',
    '👩‍👩‍👧',
    '🇩🇪',
    '\u0301',
    '\u200d',
    '\n',
    'עב',
  );
  const line = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
  const command = fc.constantFrom(
    ...'hlwbe0^$xXDCdcriaIAupPkj/ q'.split(''),
    'dd',
    'dw',
    'cw',
    'r日',
    'r\u0301',
  );
  const key = fc.oneof(
    { weight: 4, arbitrary: command.map((text) => keyPress('text', { text })) },
    { weight: 2, arbitrary: fc.constant(ESC) },
    { weight: 1, arbitrary: piece.map((text) => keyPress('text', { text })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<KeyPress>(
        keyPress('backspace'),
        keyPress('delete'),
        keyPress('right'),
        keyPress('end'),
        keyPress('tab'),
        keyPress('up'),
        keyPress('char', { text: 'w', ctrl: true }),
        keyPress('char', { text: 'd', alt: true }),
      ),
    },
  );
  const begin = (text: string): PromptState => ({
    ...emptyPrompt(),
    editor: emptyEditor(text),
    vi: VI_INSERT,
  });

  it('the caret stays inside the text, between clusters, in normal mode on one', () => {
    fc.assert(
      fc.property(line, fc.array(key, { maxLength: 40 }), (text, keys) => {
        let state = begin(text);
        for (const each of keys) {
          state = promptKey(state, each, services).state;
          const { editor, vi } = state;
          expect(editor.caret).toBeGreaterThanOrEqual(0);
          expect(editor.caret).toBeLessThanOrEqual(editor.text.length);
          expect(snapToBoundary(editor.text, editor.caret)).toBe(editor.caret);
          if (vi?.mode === 'normal' && editor.text !== '')
            expect(editor.caret).toBeLessThan(editor.text.length);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('what is cut are whole clusters, and they are in the kill ring', () => {
    const cut = fc.constantFrom(
      'x',
      'X',
      'D',
      'C',
      'dd',
      'dw',
      'db',
      'de',
      'd$',
      'd0',
      'd^',
      'dh',
      'dl',
      'cw',
      'cb',
    );
    fc.assert(
      fc.property(line, fc.nat(20), cut, (text, steps, keys) => {
        const typed = `^[0${'l'.repeat(steps)}`;
        const before = press(keysOf(typed), begin(text)).state.editor;
        const done = press(keysFromText(keys), press(keysOf(typed), begin(text)).state).state.editor;
        const cells = graphemes(text);
        const gone = text.length - done.text.length;
        expect(done.kills).toEqual(gone === 0 ? before.kills : [...before.kills, done.kills.at(-1)]);
        const whole = cells.flatMap((_, from) =>
          cells.map((_, to) => [
            cells.slice(0, from).join(''),
            cells.slice(from, to + 1).join(''),
            cells.slice(to + 1).join(''),
          ]),
        );
        const found = whole.some(
          ([head = '', middle, tail = '']) => head + tail === done.text && middle === done.kills.at(-1),
        );
        expect(gone === 0 || found).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('u as often as there was a change gives the text back', () => {
    const edits = fc.array(fc.oneof(command, piece, fc.constant('^[')), { maxLength: 30 });
    fc.assert(
      fc.property(line, edits, (text, typed) => {
        const calm = typed.map((each) => each.replace(/[kj/]/g, 'x').replaceAll('\n', ' '));
        let { state } = press(keysOf(`^[${calm.join('')}^[`), begin(text));
        for (let left = state.editor.undo.length; left > 0; left--)
          state = promptKey(state, keyPress('text', { text: 'u' }), services).state;
        expect(state.editor.text).toBe(text);
        expect(state.editor.undo).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
