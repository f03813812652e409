/** Searching, and what was read most, as callers of the engine see it. */
import type { ObjectView } from '../engine.ts';

export interface SearchQuery {
  /** Words that begin words of the name or of tags, in any order; case and accents do not count. */
  text?: string | undefined;
  /** A JavaScript regular expression that the name has to match somewhere. */
  regex?: string | undefined;
  /** An extension ("pdf") or the beginning of a media type ("image", "image/png"). */
  fileType?: string | undefined;
  tag?: string | undefined;
  minBytes?: number | undefined;
  maxBytes?: number | undefined;
  /** Stored then or later. */
  sinceMs?: number | undefined;
  /** 100 when absent. */
  limit?: number | undefined;
  /** From the previous page. */
  cursor?: string | undefined;
}

export interface SearchPage {
  /** Those stored last come first. Fewer than asked for, even none, where many rows had to be looked at: there may be more as long as there is a cursor. */
  objects: ObjectView[];
  cursor: string | undefined;
}

export interface PopularQuery {
  /** Reads since then. */
  sinceMs: number;
  /** 20 when absent. */
  limit?: number | undefined;
}

export interface PopularView {
  object: ObjectView;
  /** Reads through this node that began in the time asked for, to the hour, and the bytes they asked for. */
  reads: number;
  bytes: number;
  lastReadAtMs: number;
}

export interface SearchCalls {
  /** Throws `bad-value`: for what is no expression, and one that takes too long. */
  search(query: SearchQuery): Promise<SearchPage>;
  popular(query: PopularQuery): Promise<PopularView[]>;
}
