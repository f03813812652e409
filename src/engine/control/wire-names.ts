/** Requests about names and their versions, checked as they come in. */
import { MAX_NAME_BYTES, MAX_TAG_BYTES, MAX_TAGS } from '../codec/manifest-limits.ts';
import type { TagChange, VersionsQuery } from '../views/names.ts';
import type { PopularQuery, SearchQuery } from '../views/search.ts';
import type { ShareOptions } from '../views/shares.ts';
import { fields, flag, list, optional, text, whole } from './checks.ts';

export const NAME_ROUTE = {
  versions: '/names/versions',
  hide: '/names/hide',
  undelete: '/names/undelete',
  rename: '/names/rename',
  duplicate: '/names/duplicate',
  tag: '/names/tag',
  shareKey: '/shares/key',
  share: '/shares/new',
  shareList: '/shares/list',
  shareRevoke: '/shares/revoke',
  shareOpen: '/shares/open',
  quotaList: '/quotas/list',
  quotaSet: '/quotas/set',
  search: '/search',
  popular: '/popular',
} as const;

const name = text(MAX_NAME_BYTES);

export interface VersionsRequest extends VersionsQuery {
  ref: string;
}

export interface DuplicateRequest {
  ref: string;
  to: string;
  version?: number | undefined;
  ifAbsent?: boolean | undefined;
}

export interface TagRequest extends TagChange {
  ref: string;
}

export function readVersionsRequest(value: unknown): VersionsRequest {
  return fields<VersionsRequest>(value, {
    ref: name,
    before: optional(whole(1)),
    limit: optional(whole(1)),
  });
}

export function readRenameRequest(value: unknown): { from: string; to: string } {
  return fields<{ from: string; to: string }>(value, { from: name, to: name });
}

export function readDuplicateRequest(value: unknown): DuplicateRequest {
  return fields<DuplicateRequest>(value, {
    ref: name,
    to: name,
    version: optional(whole(1)),
    ifAbsent: optional(flag),
  });
}

export function readTagRequest(value: unknown): TagRequest {
  const tags = optional(list(text(MAX_TAG_BYTES), MAX_TAGS));
  return fields<TagRequest>(value, { ref: name, add: tags, remove: tags });
}

export function readSearchQuery(value: unknown): SearchQuery {
  return fields<SearchQuery>(value, {
    text: optional(name),
    regex: optional(name),
    fileType: optional(text(MAX_TAG_BYTES)),
    tag: optional(text(MAX_TAG_BYTES)),
    minBytes: optional(whole(0)),
    maxBytes: optional(whole(0)),
    sinceMs: optional(whole(0)),
    limit: optional(whole(1)),
    cursor: optional(text(64)),
  });
}

export function readPopularQuery(value: unknown): PopularQuery {
  return fields<PopularQuery>(value, { sinceMs: whole(0), limit: optional(whole(1)) });
}

const short = text(256);

export function readShareRequest(value: unknown): ShareOptions & { ref: string } {
  return fields<ShareOptions & { ref: string }>(value, {
    ref: name,
    version: optional(whole(1)),
    to: optional(short),
    untilMs: optional(whole(0)),
    readOnce: optional(flag),
  });
}

export function readRevokeRequest(value: unknown): { id: string; rekey?: boolean } {
  return fields<{ id: string; rekey?: boolean }>(value, { id: short, rekey: optional(flag) });
}

export function readShareLink(value: unknown): { link: string } {
  return fields<{ link: string }>(value, { link: text(2_000) });
}

export function readQuotaRequest(value: unknown): { owner: string; limitBytes?: number } {
  return fields<{ owner: string; limitBytes?: number }>(value, {
    owner: short,
    limitBytes: optional(whole(0)),
  });
}
