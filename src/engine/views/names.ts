/** Names and versions as callers of the engine see them: what happens to an object after its put. */
import type { ObjectView } from '../engine.ts';

export interface VersionView extends ObjectView {
  /** What the bare name means; what it meant until it was deleted; a version that another has replaced. */
  state: 'current' | 'deleted' | 'old';
  /** When it ceased to be what its name means. */
  endedAtMs: number | undefined;
}

export interface VersionsPage {
  /** Newest first. */
  versions: VersionView[];
  /** For the next page; undefined at the end. */
  before: number | undefined;
}

export interface VersionsQuery {
  /** Only versions with a lower number. */
  before?: number | undefined;
  /** 1000 when absent. */
  limit?: number | undefined;
}

export interface TagChange {
  add?: string[] | undefined;
  remove?: string[] | undefined;
}

export interface NameCalls {
  /** Of a name, deleted or not, or of what an id stands for. Throws `not-found`. */
  versions(ref: string, query?: VersionsQuery): Promise<VersionsPage>;
  /** The name means nothing any more, and its versions stay. `ref` as for `get`: an id has to be that of a current version. Throws `not-found`. */
  hide(ref: string): Promise<VersionView>;
  /** Takes `hide` back. Throws `not-found`, `already-exists` when the name has been given again. */
  undelete(name: string): Promise<VersionView>;
  /** With all versions. Throws `not-found`, `already-exists`, `bad-name`. */
  rename(from: string, to: string): Promise<{ object: VersionView; versions: number }>;
  /** A further name for the same object: nothing is sent. Throws `not-found`, `bad-name`; `already-exists` with `ifAbsent`. */
  duplicate(
    ref: string,
    to: string,
    options?: { version?: number | undefined; ifAbsent?: boolean | undefined },
  ): Promise<{ object: VersionView; replacedVersion: number | undefined }>;
  /** Of the current version. Throws `not-found`, `bad-value`. */
  tag(ref: string, change: TagChange): Promise<VersionView>;
}
