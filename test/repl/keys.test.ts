import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keysFromInput, keysFromText, type RawKey } from '../../src/repl/keys.ts';

const none: RawKey = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageDown: false,
  pageUp: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
};

describe('keys', () => {
  it('splits a line and its CR that came in one chunk', () => {
    expect(keysFromInput('status\r', none).map((key) => [key.name, key.text])).toEqual([
      ['text', 'status'],
      ['enter', ''],
    ]);
  });

  it('takes CR, LF and CRLF as one Enter each', () => {
    expect(keysFromText('a\rb\nc\r\nd').filter((key) => key.name === 'enter')).toHaveLength(3);
  });

  it('loses no printable character of any chunk', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (chunk) => {
        const printable = chunk.replace(/[\u0000-\u001f\u007f]/g, '');
        expect(
          keysFromText(chunk)
            .map((key) => (key.name === 'text' ? key.text : ''))
            .join(''),
        ).toBe(printable);
      }),
    );
  });

  it('reads control bytes inside a chunk as Ctrl keys', () => {
    expect(
      keysFromText('ab\u0001c\u007f\u001f').map((key) => `${key.ctrl ? '^' : ''}${key.text || key.name}`),
    ).toEqual(['ab', '^a', 'c', 'backspace', '^_']);
  });

  it('keeps the modifiers', () => {
    expect(keysFromInput('1', { ...none, meta: true })).toMatchObject([
      { name: 'char', text: '1', alt: true },
    ]);
    expect(keysFromInput('', { ...none, tab: true, shift: true })).toMatchObject([
      { name: 'tab', shift: true },
    ]);
    expect(keysFromInput('', { ...none, return: true, meta: true })).toMatchObject([
      { name: 'enter', alt: true },
    ]);
  });
});
