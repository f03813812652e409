import { describe, expect, it } from 'vitest';
import { keyPress, keysFromText } from '../../src/repl/keys.ts';
import { visibleWindow } from '../../src/repl/line-window.ts';
import { emptyPrompt, type PromptServices, type PromptState } from '../../src/repl/prompt-state.ts';
import { ghostText, promptCompletion, promptPaste } from '../../src/repl/repl-model.ts';
import { presser } from './press.ts';

const entry = (cmd: string, session = 'now') => ({ t: 0, session, profile: '', cmd });
const services: PromptServices = {
  entries: () => [entry('put a.txt', 'old'), entry('list'), entry('put b.txt')],
  session: 'now',
  incomplete: (line) => (line.match(/"/g)?.length ?? 0) % 2 === 1,
};

const press = presser(services);

const type = (text: string, from?: PromptState) => press(keysFromText(text), from);

describe('the prompt', () => {
  it('runs a line and is empty again', () => {
    const { effects, text } = type('status\rlist\r');
    expect(effects).toEqual([
      { type: 'run', line: 'status' },
      { type: 'run', line: 'list' },
    ]);
    expect(text).toBe('');
  });

  it('does nothing on an empty Enter', () => {
    expect(type('\r  \r').effects).toEqual([]);
  });

  it('asks for more while a quote is open', () => {
    const { effects, text } = type('put "a\rb"\r');
    expect(effects).toEqual([{ type: 'run', line: 'put "a\nb"' }]);
    expect(text).toBe('');
  });

  it('walks through lines that begin like the typed one and back', () => {
    const up = keyPress('up');
    expect(press([...keysFromText('pu'), up]).text).toBe('put b.txt');
    expect(press([...keysFromText('pu'), up, up]).text).toBe('put a.txt');
    expect(press([...keysFromText('pu'), up, up, up]).text).toBe('put a.txt');
    expect(press([...keysFromText('pu'), up, up, keyPress('down'), keyPress('down')]).text).toBe('pu');
  });

  it('shows how the newest like line went on and takes it with Right', () => {
    const { state } = type('put ');
    expect(ghostText(state, services)).toBe('b.txt');
    expect(press([keyPress('right')], state).text).toBe('put b.txt');
    expect(ghostText(press([keyPress('left')], state).state, services)).toBe('');
  });

  it('inserts a correction with Right or Tab, runs nothing with Enter', () => {
    const offered: PromptState = { ...emptyPrompt(), correction: 'status' };
    expect(press([keyPress('right')], offered).text).toBe('status');
    expect(press([keyPress('tab')], offered).text).toBe('status');
    expect(press([keyPress('enter')], offered).effects).toEqual([]);
    expect(type('x', offered).state.correction).toBeUndefined();
  });

  it('searches the history and puts the hit on the line without running it', () => {
    const ctrlR = keyPress('char', { text: 'r', ctrl: true });
    const found = press([ctrlR, ...keysFromText('put')]);
    const taken = press([keyPress('enter')], found.state);
    expect(taken.text).toBe('put b.txt');
    expect(taken.effects).toEqual([]);
    expect(press([ctrlR, ctrlR, ...keysFromText('a.t'), keyPress('enter')]).text).toBe('put a.txt');
    expect(press([...keysFromText('abc'), ctrlR, ...keysFromText('put'), keyPress('escape')]).text).toBe(
      'abc',
    );
  });

  it('completes what is sure, then what is common, then opens a menu', () => {
    const asked = type('st');
    const completion = {
      start: 0,
      end: 2,
      items: [{ text: 'status ' }, { text: 'stats ' }, { text: 'list ' }],
    };
    const once = promptCompletion(asked.state, { text: 'st', caret: 2 }, completion);
    expect(once.editor.text).toBe('stat');
    const twice = promptCompletion(once, { text: 'stat', caret: 4 }, { ...completion, end: 4 });
    expect(twice.menu?.items).toHaveLength(3);
    expect(press([keyPress('tab'), keyPress('enter')], twice).text).toBe('stats ');
    const sure = promptCompletion(
      asked.state,
      { text: 'st', caret: 2 },
      { start: 0, end: 2, items: [{ text: 'status ' }] },
    );
    expect(sure.editor.text).toBe('status ');
  });

  it('adds whole characters alone, where names begin with like ones', () => {
    const items = ['cat 📁photos', 'cat 📂mail'].map((text) => ({ text }));
    const { state } = type('ca');
    const { editor } = promptCompletion(state, { text: 'ca', caret: 2 }, { start: 0, end: 2, items });
    expect(editor.text).toBe('cat ');
  });

  it('drops an answer that comes after further typing', () => {
    const { state } = type('sta');
    const late = promptCompletion(
      state,
      { text: 'st', caret: 2 },
      { start: 0, end: 2, items: [{ text: 'stop ' }] },
    );
    expect(late.editor.text).toBe('sta');
  });

  it('takes a pasted block without running it', () => {
    expect(promptPaste(emptyPrompt(), 'a\r\nb\n').editor.text).toBe('a\nb');
  });

  it('shows the part of a long line that holds the caret', () => {
    expect(visibleWindow('abc', 3, 10)).toEqual({ text: 'abc', caretColumn: 3 });
    const long = visibleWindow('x'.repeat(50), 50, 10);
    expect(long.caretColumn).toBeLessThan(10);
    expect(long.text.startsWith('…')).toBe(true);
    expect(visibleWindow('日本語', 3, 4).caretColumn).toBeLessThan(4);
  });
});
