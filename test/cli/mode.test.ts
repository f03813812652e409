import { describe, expect, it } from 'vitest';
import { chooseMode } from '../../src/cli/mode.ts';

const mode = (argv: string[], stdinIsTty: boolean, stdoutIsTty: boolean, ci = false) =>
  chooseMode(argv, { stdinIsTty, stdoutIsTty, ci }).kind;

describe('chooseMode', () => {
  it.each([
    [['put', 'x'], true, true, 'command'],
    [['put', 'x'], false, false, 'command'],
    [['console'], false, true, 'command'],
    [['--help'], true, true, 'command'],
    [['--json'], true, true, 'command'],
    [['--version'], false, false, 'version'],
    [['-V'], true, true, 'version'],
    [['--version', '--json'], true, true, 'command'],
    [[], true, true, 'console'],
    [['--plain'], true, true, 'console'],
    [['--config', 'x.json'], true, true, 'console'],
    [['--config=x.json', '--no-color'], true, true, 'console'],
    [['--config'], true, true, 'command'],
    [[], false, true, 'batch'],
    [[], false, false, 'batch'],
    [[], true, false, 'refuse'],
  ])('%j stdin tty %s, stdout tty %s → %s', (argv, stdin, stdout, kind) => {
    expect(mode(argv as string[], stdin as boolean, stdout as boolean)).toBe(kind);
  });

  it('does not open the console by itself where CI is set', () => {
    expect(mode([], true, true, true)).toBe('refuse');
    expect(mode(['console'], true, true, true)).toBe('command');
    expect(mode([], false, false, true)).toBe('batch');
  });
});
