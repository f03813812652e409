/** `npm run sim -- --watch`: the run goes on in a process of its own, and its frames are drawn here as the console draws its panels. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Box, render, Text, useInput } from 'ink';
import { createElement } from 'react';
import { MIN_COLUMNS, MIN_ROWS } from '../../src/console/layout.ts';
import { openTerminal } from '../../src/console/terminal.ts';
import { paintRows, themeFrom } from '../../src/panels/theme.ts';
import { FRAME_MS, frameIn } from './frames.ts';
import { SUMS } from './run-seeds.ts';
import { firstWatched, screenRows, type Watched, withFrame } from './watch-rows.ts';

const SPEEDS = [1, 2, 5, 10, 20, 50, 100] as const;
const FIRST_SPEED = 10;

interface ScreenProps {
  watched: Watched;
  columns: number;
  rows: number;
  onKey(input: string): void;
}

const THEME = themeFrom(process.env);

function Screen({ watched, columns, rows, onKey }: ScreenProps) {
  useInput((input, key) => onKey(key.ctrl && input === 'c' ? 'q' : input));
  const text = paintRows(screenRows(watched, columns, rows, THEME), THEME);
  return createElement(
    Box,
    { width: columns, height: rows, overflow: 'hidden' },
    createElement(Text, { wrap: 'truncate' }, text),
  );
}

/** `args`: of the run, without `--watch`. The exit status: that of the run, 0 when it was left. */
export async function watch(args: readonly string[]): Promise<number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || stdout.columns < MIN_COLUMNS || stdout.rows < MIN_ROWS) {
    process.stderr.write(`--watch needs a terminal of ${MIN_COLUMNS}x${MIN_ROWS} at least\n`);
    return 2;
  }
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, ...args, '--feed'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const terminal = openTerminal(stdin, stdout);
  process.on('exit', terminal.restore);
  let watched = firstWatched(FIRST_SPEED);
  let timer: NodeJS.Timeout | undefined;
  let waits = false;
  const left = Promise.withResolvers<number>();

  const screen = () => createElement(Screen, { watched, ...terminal.size(), onKey });
  const draw = (change: Partial<Watched>) => {
    watched = { ...watched, ...change };
    instance.rerender(screen());
  };
  const ask = () => {
    if (!waits || watched.paused) return;
    waits = false;
    clearTimeout(timer);
    timer = setTimeout(() => child.stdin.write('.'), FRAME_MS / watched.speed);
  };
  const onKey = (key: string) => {
    if (key === 'q') left.resolve(child.exitCode ?? 0);
    else if (key === ' ') draw({ paused: !watched.paused });
    else if (key === '+' || key === '-') {
      const at = SPEEDS.indexOf(watched.speed as (typeof SPEEDS)[number]) + (key === '+' ? 1 : -1);
      draw({ speed: SPEEDS[at] ?? watched.speed });
    }
    ask();
  };
  terminal.enter();
  const instance = render(screen(), { stdin, stdout, exitOnCtrlC: false, patchConsole: false });
  stdout.on('resize', () => draw({}));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const frame = frameIn(line);
    if (frame === undefined) {
      if (!line.startsWith(SUMS)) draw({ outcome: [...watched.outcome, line] });
      return;
    }
    waits = true;
    draw(withFrame(watched, frame));
    ask();
  });
  child.on('error', left.reject);
  // A run that was left loses its pipe.
  child.stdin.on('error', () => {});
  try {
    return await left.promise;
  } finally {
    clearTimeout(timer);
    child.stdin.end();
    if (child.exitCode === null) child.kill();
    instance.unmount();
    terminal.restore();
  }
}
