/**
 * The terminal's modes: alternate screen, caret, paste mode, mouse reports, raw mode. Whatever happens to this process, they are put back: `restore` writes
 * synchronously and may be called from an exit handler, and twice.
 */
import { writeSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { isStrayNetworkError } from '../engine/effects/stray-errors.ts';

const ENTER = '\u001b[?1049h\u001b[H\u001b[J';
const HOME_AND_ERASE = '\u001b[H\u001b[J';
/** Synchronised output off, bracketed paste off, caret on, attributes off. */
const RESTORE = '\u001b[?2026l\u001b[?2004l\u001b[?25h\u001b[0m';
/** Buttons and wheel (1000), told in the SGR form (1006), which knows no limit of columns. */
const MOUSE_ON = '\u001b[?1000h\u001b[?1006h';
const MOUSE_OFF = '\u001b[?1006l\u001b[?1000l';
const LEAVE = '\u001b[?1049l';

export interface Terminal {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  size(): { columns: number; rows: number };
  /** Keys as they are pressed. Before anything is drawn: who sees the first frame may press one, and Ink, which asks for this itself, does so after it. */
  raw(): void;
  /** Into the alternate screen, empty, caret at home. */
  enter(): void;
  readonly entered: boolean;
  /** Erases what is in sight, for a redraw from scratch. Never CSI 2J: some terminals push that into the scrollback. */
  erase(): void;
  write(text: string): void;
  /** Reports of the mouse, from now on and after each time that the terminal was given away. */
  mouse(on: boolean): void;
  readonly mouseWanted: boolean;
  /** A program of the person's has it: the Ctrl-C that ends that one is sent to this process too. */
  lent: boolean;
  /** Everything as it was before the console. */
  restore(): void;
}

export function openTerminal(stdin: ReadStream, stdout: WriteStream): Terminal {
  let entered = false;
  let mouse = false;
  return {
    stdin,
    stdout,
    lent: false,
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    get entered() {
      return entered;
    },
    raw() {
      if (stdin.isTTY) stdin.setRawMode(true);
    },
    enter() {
      if (!entered) stdout.write(ENTER + (mouse ? MOUSE_ON : ''));
      entered = true;
    },
    erase: () => void stdout.write(HOME_AND_ERASE),
    write: (text) => void stdout.write(text),
    get mouseWanted() {
      return mouse;
    },
    mouse(on) {
      if (on !== mouse && entered) stdout.write(on ? MOUSE_ON : MOUSE_OFF);
      mouse = on;
    },
    restore() {
      const text = (mouse ? MOUSE_OFF : '') + RESTORE + (entered ? LEAVE : '');
      entered = false;
      try {
        if (stdin.isTTY) stdin.setRawMode(false);
      } catch {
        // The terminal is gone: nothing to put back.
      }
      try {
        writeSync((stdout as { fd?: number }).fd ?? 1, text);
      } catch {
        // EAGAIN of a stopped terminal or EIO of a closed one; there is nobody to tell.
      }
    },
  };
}

export interface Guard {
  /** Takes the handlers off again. */
  release(): void;
}

/** Signals and crashes end the console in order; the terminal is put back even where that fails. */
export function guardProcess(terminal: Terminal, onEnd: (exit: number, error?: unknown) => void): Guard {
  const onTerm = () => onEnd(143);
  const onHup = () => onEnd(129);
  const onInt = () => {
    if (!terminal.lent) onEnd(130);
  };
  const onCrash = (error: unknown) => onEnd(70, error);
  const onRejection = (reason: unknown) => {
    if (!isStrayNetworkError(reason)) onCrash(reason);
  };
  const onExit = () => terminal.restore();
  process.on('SIGTERM', onTerm);
  process.on('SIGHUP', onHup);
  process.on('SIGINT', onInt);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onRejection);
  process.on('exit', onExit);
  return {
    release() {
      process.off('SIGTERM', onTerm);
      process.off('SIGHUP', onHup);
      process.off('SIGINT', onInt);
      process.off('uncaughtException', onCrash);
      process.off('unhandledRejection', onRejection);
      process.off('exit', onExit);
    },
  };
}
