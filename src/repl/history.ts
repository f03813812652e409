/**
 * Command history: one JSON record a line in a file that only its owner can read. Records are appended with O_APPEND, so two consoles never
 * overwrite each other; the file is compacted when a console starts.
 */
import { chmod, open, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeDirs } from '../engine/effects/make-dirs.ts';

/** What a person may want to find again; a year of heavy use. */
export const MAX_ENTRIES = 10_000;
/** Rewriting on every start would cost more than it saves. */
const COMPACT_AT = 11_000;

export interface HistoryEntry {
  /** Milliseconds since the epoch when it was entered. */
  t: number;
  session: string;
  profile: string;
  cmd: string;
  exit?: number;
  ms?: number;
}

export interface History {
  readonly session: string;
  /** Oldest first, duplicates in a row folded. */
  entries(): readonly HistoryEntry[];
  /** Remembers a line; a secret one, one with a leading space, or a repetition is left out. */
  add(cmd: string, outcome: { atMs: number; exit: number; ms: number; sensitive: boolean }): Promise<void>;
  clear(): Promise<void>;
}

export interface HistoryOptions {
  /** undefined: kept in memory only. */
  path: string | undefined;
  session: string;
  profile: string;
}

export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const state = env.XDG_STATE_HOME;
  const base = state?.startsWith('/') ? state : join(env.HOME ?? homedir(), '.local/state');
  return join(base, 'datamesh', 'history.jsonl');
}

/** Options whose value is a secret: such a line is never kept, whatever its command. */
const SECRET_OPTION = /(^|\s)--(passphrase|phrase|secret|token|identity)\b/i;

/** A link with the secret that opens it, and words as they come from an owner's 24: typed for a command that was misspelt, or where no command was. */
const SECRET_TEXT = /datamesh:\/\/[^\s#]*#\S|\b(?:[a-z]{3,8}\s+){11}[a-z]{3,8}\b/i;

export function isStorable(cmd: string, sensitive: boolean): boolean {
  const secret = sensitive || SECRET_OPTION.test(cmd) || SECRET_TEXT.test(cmd);
  return cmd.trim() !== '' && !/^\s/.test(cmd) && !secret;
}

/** A history that cannot be read or written is an inconvenience, never a reason to stop: `problem` then says what happened. */
export async function openHistory(
  options: HistoryOptions,
): Promise<{ history: History; problem: string | undefined }> {
  let list: HistoryEntry[] = [];
  let problem: string | undefined;
  let path = options.path;
  if (path !== undefined) {
    try {
      list = await load(path);
    } catch (error) {
      problem = `history is not kept: ${error instanceof Error ? error.message : String(error)}`;
      path = undefined;
    }
  }
  const file = path;
  const history: History = {
    session: options.session,
    entries: () => list,
    async add(cmd, outcome) {
      if (!isStorable(cmd, outcome.sensitive) || list.at(-1)?.cmd === cmd) return;
      const entry: HistoryEntry = {
        t: outcome.atMs,
        session: options.session,
        profile: options.profile,
        cmd,
        exit: outcome.exit,
        ms: Math.round(outcome.ms),
      };
      list = [...list, entry].slice(-MAX_ENTRIES);
      if (file !== undefined) await append(file, entry);
    },
    async clear() {
      list = [];
      if (file !== undefined) await writeFile(file, '', { mode: 0o600 });
    },
  };
  return { history, problem };
}

async function load(path: string): Promise<HistoryEntry[]> {
  await makeDirs(dirname(path), 0o700);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  await chmod(path, 0o600);
  const lines = text.split('\n').filter((line) => line !== '');
  const entries = fold(lines.flatMap(parse)).slice(-MAX_ENTRIES);
  if (lines.length > COMPACT_AT) await compact(path, entries, Buffer.byteLength(text));
  return entries;
}

/** A damaged line (a crash in the middle of a write) is skipped. */
function parse(line: string): HistoryEntry[] {
  try {
    const value = JSON.parse(line) as Partial<HistoryEntry>;
    if (typeof value.cmd !== 'string' || typeof value.t !== 'number') return [];
    return [{ session: '', profile: '', ...value, cmd: value.cmd, t: value.t }];
  } catch {
    return [];
  }
}

function fold(entries: HistoryEntry[]): HistoryEntry[] {
  return entries.filter((entry, at) => entry.cmd !== entries[at - 1]?.cmd);
}

async function compact(path: string, entries: HistoryEntry[], readBytes: number): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
  // Another console appended meanwhile: its lines would be lost, so leave compaction to the next start.
  if ((await stat(path)).size === readBytes) await rename(beside, path);
  else await unlink(beside);
}

async function append(path: string, entry: HistoryEntry): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.appendFile(`${JSON.stringify(entry)}\n`);
  } finally {
    await file.close();
  }
}
