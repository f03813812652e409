/** Through the set-up questions on a terminal, as a person who takes the defaults. */
import type { Pty } from '../support/pty.ts';

/**
 * Enter through every screen; the two words asked back are read off the screen where they were shown. `typed` are answers by a
 * word of their question; `each` comes at the first sight of every screen.
 */
export async function throughTheWizard(
  pty: Pty,
  typed: Record<string, string> = {},
  each?: (screen: string) => Promise<void>,
): Promise<void> {
  await pty.waitFor('datamesh set-up', 20_000);
  let words = new Map<number, string>();
  let rail = '';
  for (let step = 0; step < 60 && !pty.text().includes('10/'); step++) {
    // The newest rail: a resize leaves older ones in the scrollback above it.
    const seen = [...pty.text().matchAll(/\d\/9 [A-Z][a-z]+(?: [a-z]+)*/g)].at(-1)?.[0] ?? 'Welcome';
    if (seen !== rail) await each?.(seen);
    rail = seen;
    const text = pty.text();
    if (seen.startsWith('9/9')) return;
    const shown = [...text.matchAll(/(\d+)\. ([a-z]+)/g)].map(
      ([, at, word]) => [Number(at), word ?? ''] as const,
    );
    if (shown.length >= 24) words = new Map(shown);
    const asked = /Type word (\d+) of the 24/.exec(text);
    if (asked !== null) {
      pty.write(words.get(Number(asked[1])) ?? '?');
      await pty.settled(80);
    }
    for (const [question, answer] of Object.entries(typed)) {
      // Not of a question answered before, which stands there behind a tick.
      if (!text.split('\n').some((row) => row.trimStart().startsWith(question))) continue;
      // Two writes, as of a person: Ctrl-U takes away what the field holds.
      for (const part of answer.startsWith('\u0015') ? ['\u0015', answer.slice(1)] : [answer]) {
        pty.write(part);
        await pty.settled(80);
      }
    }
    const before = pty.raw().length;
    pty.write('\r');
    await pty.waitUntil('the next screen', () => pty.raw().length > before);
    await pty.settled(80);
  }
}
