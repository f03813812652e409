/** The console on the fake engine in a terminal, ready to be typed at. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect } from 'vitest';
import { type Pty, type PtyOptions, ptyScript } from '../support/pty.ts';

const ENTRY = resolve(import.meta.dirname, '../support/console-entry.tsx');
const GOLDEN = resolve(import.meta.dirname, '../golden/screen');
/** Starting node, Ink and the commands on a busy machine. */
const START_MS = 20_000;

const open: Pty[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((pty) => pty.close()));
});

export function startConsole(options: PtyOptions = {}): Pty {
  const pty = ptyScript(ENTRY, [], options);
  open.push(pty);
  return pty;
}

/** A console with its first sample drawn. */
export async function readyConsole(options: PtyOptions = {}): Promise<Pty> {
  const pty = startConsole(options);
  await pty.waitFor('alder home>', START_MS);
  await pty.waitFor(/online|attached|offline/, START_MS);
  await pty.waitFor('PEER', START_MS);
  await pty.settled();
  return pty;
}

/** Compares the screen with the file; GOLDEN_WRITE=1 writes it instead. */
export function expectGolden(pty: Pty, name: string): void {
  const path = join(GOLDEN, `${name}.txt`);
  const text = `${pty.screen().join('\n')}\n`;
  if (process.env.GOLDEN_WRITE === '1') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(path, text);
  }
  if (!existsSync(path)) throw new Error(`no golden file ${path}: write it with GOLDEN_WRITE=1\n${text}`);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

/** Everything that must be off when the program has gone. */
export function expectRestored(raw: string): void {
  const last = (on: string, off: string) => raw.lastIndexOf(off) >= raw.lastIndexOf(on);
  expect(raw).toContain('\u001b[?1049h');
  expect(last('\u001b[?1049h', '\u001b[?1049l')).toBe(true);
  expect(last('\u001b[?2004h', '\u001b[?2004l')).toBe(true);
  expect(last('\u001b[?25l', '\u001b[?25h')).toBe(true);
  expect(last('\u001b[?2026h', '\u001b[?2026l')).toBe(true);
  expect(last('\u001b[?1000h', '\u001b[?1000l')).toBe(true);
  expect(last('\u001b[?1006h', '\u001b[?1006l')).toBe(true);
}

/** The row of the prompt: the third from the bottom. */
export function promptRow(pty: Pty): string {
  return pty.screen().at(-3) ?? '';
}

export const KEY = {
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  pageUp: '\u001b[5~',
  escape: '\u001b',
  tab: '\t',
  ctrl: (letter: string) => String.fromCharCode(letter.charCodeAt(0) - 96),
  alt: (letter: string) => `\u001b${letter}`,
} as const;
