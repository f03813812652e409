/** Requests about pools, checked as they come in. */
import type { DistributionQuery, FolderRequest, KeepSettings, PoolSettings } from '../views/pools.ts';
import { type Check, code, fields, flag, list, oneOf, optional, text, whole } from './checks.ts';

const MAX_NAME_CHARACTERS = 4096;
/** More than a pool may have, so that the pool says it in its own words. */
const MAX_ITEMS = 1024;

export interface PoolRequest {
  name: string;
  settings: PoolSettings;
}

const folder: Check<FolderRequest> = (value) =>
  fields<FolderRequest>(value, { path: text(MAX_NAME_CHARACTERS), quotaBytes: optional(whole(1)) });

const limit: Check<number | 'all'> = (value, field) => (value === 'all' ? 'all' : whole(0)(value, field));

const keep: Check<KeepSettings> = (value) =>
  fields<KeepSettings>(value, {
    versions: optional(limit),
    ageMs: optional(limit),
    bytes: optional(limit),
  });

const nodes: Check<'all' | string[]> = (value, field) =>
  value === 'all' ? 'all' : list(text(MAX_NAME_CHARACTERS), MAX_ITEMS)(value, field);

export function readPoolRequest(value: unknown): PoolRequest {
  return fields<PoolRequest>(value, {
    name: text(MAX_NAME_CHARACTERS),
    settings: (it) =>
      fields<PoolSettings>(it, {
        code: optional(code),
        domain: optional(oneOf('none', 'disk', 'node', 'rack', 'zone')),
        compress: optional(flag),
        nodes: optional(nodes),
        folders: optional(list(folder, MAX_ITEMS)),
        separateDisks: optional(flag),
        keep: optional(keep),
        adopt: optional(flag),
        allowDegraded: optional(flag),
        dryRun: optional(flag),
      }),
  });
}

export function readPoolName(value: unknown): { name: string } {
  return fields<{ name: string }>(value, { name: text(MAX_NAME_CHARACTERS) });
}

export function readDistributionQuery(value: unknown): DistributionQuery {
  return fields<DistributionQuery>(value, {
    pool: optional(text(MAX_NAME_CHARACTERS)),
    ref: optional(text(MAX_NAME_CHARACTERS)),
  });
}
