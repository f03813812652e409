/** What a pool may be, before anybody is asked. */
import { DatameshError } from '../../errors.ts';
import type { PoolFolder, Retention } from '../catalog/catalog.ts';
import type { Domain } from '../placement/domains.ts';
import type { CodeProfile } from '../types.ts';
import type { FolderRequest, KeepSettings } from '../views/pools.ts';

/** The pool of a put that names none. */
export const DEFAULT_POOL = 'default';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** GF(2^8) has no more. */
const MAX_SHARDS = 255;
/** More disks than a machine has; each costs a look every two seconds. */
const MAX_FOLDERS = 64;

export function checkPoolName(name: string): void {
  if (NAME.test(name)) return;
  throw new DatameshError('bad-name', {
    what: `a pool cannot be called ${JSON.stringify(name.slice(0, 80))}`,
    why: 'a name is 1 to 63 lower-case letters, digits and dashes, and begins with no dash',
  });
}

export function checkCode({ k, m }: CodeProfile): void {
  if (k >= 1 && m >= 0 && k + m <= MAX_SHARDS) return;
  throw new DatameshError('bad-value', {
    what: `${k}+${m} is no code`,
    why: `k is 1 or more, m 0 or more, and k + m at most ${MAX_SHARDS}`,
  });
}

/** Throws `bad-value`. */
export function checkKeep(keep: KeepSettings | undefined): void {
  for (const limit of Object.values(keep ?? {})) {
    if (limit === undefined || limit === 'all' || (Number.isSafeInteger(limit) && limit >= 0)) continue;
    throw new DatameshError('bad-value', {
      what: `${limit} is no limit of old versions`,
      mend: 'give 0 or more, or all',
    });
  }
}

/** Limits as they are after a change; undefined when none is left. */
export function keptBy(
  before: Retention | undefined,
  change: KeepSettings | undefined,
): Retention | undefined {
  const after: Retention = {};
  for (const key of ['versions', 'ageMs', 'bytes'] as const) {
    const limit = change?.[key] ?? before?.[key];
    if (limit !== undefined && limit !== 'all') after[key] = limit;
  }
  return Object.keys(after).length === 0 ? undefined : after;
}

/** Without parity no domain may fail, so only `none` promises the truth. */
export function checkDomain(code: CodeProfile, domain: Domain, allowDegraded: boolean): void {
  if (code.m > 0 || domain === 'none' || allowDegraded) return;
  throw new DatameshError('bad-value', {
    what: `${code.k}+0 has no parity, so it survives the loss of no ${domain}`,
    mend: 'choose a code with parity (--code 4+2), or say that it survives nothing with --domain none',
  });
}

export function checkFolders(
  requests: readonly FolderRequest[],
  present: readonly PoolFolder[],
  dataDir: string,
): void {
  const paths = [...present.map(({ path }) => path), ...requests.map(({ path }) => path)];
  if (paths.length > MAX_FOLDERS) {
    throw new DatameshError('bad-value', {
      what: `${paths.length} folders are too many`,
      why: `a pool has up to ${MAX_FOLDERS}`,
    });
  }
  for (const [at, path] of paths.entries()) {
    if (!path.startsWith('/') || path.endsWith('/') || /\/\.{0,2}(\/|$)/.test(path)) {
      throw new DatameshError('bad-value', { what: `${path} is no absolute path of a folder` });
    }
    const other = paths.find((one, i) => i !== at && (one === path || one.startsWith(`${path}/`)));
    if (other !== undefined) {
      throw new DatameshError('bad-value', {
        what: other === path ? `the folder ${path} is given twice` : `${other} lies within ${path}`,
        mend: 'give each disk one folder',
      });
    }
    if (`${path}/`.startsWith(`${dataDir}/`) || dataDir.startsWith(`${path}/`)) {
      throw new DatameshError('bad-value', {
        what: `the folder ${path} and the data folder ${dataDir} lie within each other`,
        mend: 'choose a folder outside, on another disk',
      });
    }
  }
}
