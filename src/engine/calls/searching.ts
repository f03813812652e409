/** Searching the owner's catalog, and counting what is read, on a running node. */
import { DatameshError } from '../../errors.ts';
import type { ReadCount, SearchRow } from '../catalog/catalog.ts';
import { isReservedName } from '../catalog/reserved-names.ts';
import type { Timer } from '../effects/clock.ts';
import type { Node } from '../node.ts';
import { checkRegex, openRegex } from '../search/regex-filter.ts';
import { ftsQuestion, hasWords, MAX_WORDS, wordsOf } from '../search/words.ts';
import type { SearchCalls, SearchQuery } from '../views/search.ts';

export interface Searching extends SearchCalls {
  /** A read of this many bytes has begun. */
  noteRead(name: string, bytes: number): void;
  /** What was counted goes into the catalog now. */
  writeReads(): void;
  /** The catalog has changed: its words are indexed when there is time. */
  changed(): void;
  start(): void;
  close(): void;
}

/** Rows that one call looks at, a few milliseconds' worth. */
const LOOK_ROWS = 200;
/** The least that is worth a question to the catalog. */
const PART_ROWS = 50;
const PAGE_OBJECTS = 100;
const MAX_PAGE_OBJECTS = 1_000;
const POPULAR_OBJECTS = 20;
/** Rows indexed in one go, some 5 ms, and the pause between two. */
const INDEX_ROWS = 250;
const INDEX_PAUSE_MS = 50;
const INDEX_AFTER_MS = 2_000;
/** Counts wait in memory: one write for all, as each is a sync of the disk. */
const NOTE_MS = 10_000;
const MAX_NOTED_NAMES = 10_000;
const HOUR_MS = 60 * 60_000;

export function createSearching(node: Pick<Node, 'catalog' | 'owner' | 'clock' | 'events'>): Searching {
  const { catalog, clock, owner } = node;
  const stopper = new AbortController();
  const regex = openRegex(clock);
  let indexTimer: Timer | undefined;
  let noteTimer: Timer | undefined;
  const noted = new Map<string, ReadCount>();

  const indexSome = () => {
    indexTimer = undefined;
    const more = catalog.indexWords(INDEX_ROWS) === INDEX_ROWS;
    if (more) indexSoon(INDEX_PAUSE_MS);
  };
  const indexSoon = (delayMs: number) => {
    if (!stopper.signal.aborted) indexTimer ??= clock.after(delayMs, indexSome);
  };

  /** The rows that may be hits. Without an expression no more than the page is looked for, and one to see whether there is more. */
  const look = (
    query: SearchQuery,
    words: readonly string[],
    question: string | undefined,
    limit: number,
  ) => {
    const enough = query.regex === undefined ? Math.min(limit + 1, LOOK_ROWS) : LOOK_ROWS;
    const fitting: SearchRow[] = [];
    let before = readCursor(query.cursor);
    let left = LOOK_ROWS;
    do {
      const asked = Math.min(Math.max(enough, PART_ROWS), left);
      const part = catalog.searchRows(owner!.ownerId, before, question, asked);
      for (const row of part.rows) if (fitting.length < enough && fits(row, query, words)) fitting.push(row);
      before = part.before;
      left -= asked;
    } while (before !== undefined && left > 0 && fitting.length < enough);
    return { fitting, before };
  };

  const matching = async (rows: readonly SearchRow[], pattern: string | undefined) => {
    if (pattern === undefined || rows.length === 0) return rows;
    const names = rows.map(({ name }) => name);
    const matches = await regex.test(pattern, names, stopper.signal);
    return rows.filter((_row, at) => matches[at]);
  };

  const writeNoted = () => {
    noteTimer?.cancel();
    noteTimer = undefined;
    if (owner === undefined || noted.size === 0) return;
    const counts = [...noted.values()];
    noted.clear();
    catalog.noteReads(owner.ownerId, counts);
  };

  return {
    async search(query) {
      if (owner === undefined) return { objects: [], cursor: undefined };
      const words = wordsOf(query.text ?? '');
      checkQuery(query, words);
      const limit = Math.min(Math.max(1, Math.floor(query.limit ?? PAGE_OBJECTS)), MAX_PAGE_OBJECTS);
      const question = words.length === 0 ? undefined : ftsQuestion(words);
      const { fitting, before } = look(query, words, question, limit);
      const hits = await matching(fitting, query.regex);
      const shown = hits.slice(0, limit);
      const next = hits.length > limit ? shown.at(-1)!.id : before;
      return {
        objects: catalog.views(shown.map(({ id }) => id)),
        cursor: next === undefined ? undefined : next.toString(36),
      };
    },

    async popular({ sinceMs, limit = POPULAR_OBJECTS }) {
      if (owner === undefined) return [];
      writeNoted();
      const fromHour = Math.max(0, Math.floor(sinceMs / HOUR_MS));
      return catalog.mostRead(owner.ownerId, fromHour, Math.min(limit, MAX_PAGE_OBJECTS));
    },

    noteRead(name, bytes) {
      if (isReservedName(name)) return;
      const nowMs = clock.now();
      const hour = Math.floor(nowMs / HOUR_MS);
      const key = `${hour} ${name}`;
      const count = noted.get(key) ?? { name, hour, reads: 0, bytes: 0, lastAtMs: nowMs };
      noted.set(key, { ...count, reads: count.reads + 1, bytes: count.bytes + bytes, lastAtMs: nowMs });
      if (noted.size >= MAX_NOTED_NAMES) writeNoted();
      else if (!stopper.signal.aborted) noteTimer ??= clock.after(NOTE_MS, writeNoted);
    },

    writeReads: writeNoted,
    changed: () => indexSoon(INDEX_AFTER_MS),
    start: () => indexSoon(INDEX_AFTER_MS),
    close() {
      stopper.abort();
      indexTimer?.cancel();
      regex.close();
      writeNoted();
    },
  };
}

function checkQuery({ regex, text, minBytes, maxBytes }: SearchQuery, words: readonly string[]): void {
  if (regex !== undefined) checkRegex(regex);
  if (words.length > MAX_WORDS || (text !== undefined && text.trim() !== '' && words.length === 0)) {
    throw new DatameshError('bad-value', {
      what: words.length === 0 ? 'there is no letter or digit in what is searched for' : 'too many words',
      mend: words.length === 0 ? 'search for signs with --regex' : `give at most ${MAX_WORDS}`,
    });
  }
  if (minBytes !== undefined && maxBytes !== undefined && minBytes > maxBytes)
    throw new DatameshError('bad-value', { what: 'the smallest size is greater than the greatest' });
}

function fits(row: SearchRow, query: SearchQuery, words: readonly string[]): boolean {
  const { minBytes = 0, maxBytes = Number.POSITIVE_INFINITY, sinceMs = 0, fileType, tag } = query;
  if (row.sizeBytes < minBytes || row.sizeBytes > maxBytes || row.createdAtMs < sinceMs) return false;
  if (fileType !== undefined && !hasType(row, fileType.toLowerCase())) return false;
  if (tag !== undefined && !(JSON.parse(row.tags) as string[]).includes(tag)) return false;
  return words.length === 0 || hasWords(`${row.name} ${row.tags}`, words);
}

function hasType({ name, mimeType }: SearchRow, type: string): boolean {
  const mime = mimeType.toLowerCase();
  const extension = type.startsWith('.') ? type : `.${type}`;
  return mime === type || mime.startsWith(`${type}/`) || name.toLowerCase().endsWith(extension);
}

function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const id = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw new DatameshError('bad-value', {
    what: 'this cursor does not belong to a search',
    mend: 'start again without one',
  });
}
