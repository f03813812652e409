/**
 * How much each owner may store on this node, set by whoever runs it and enforced here, whatever owners' nodes think of it. `quotas.json`, docs/FORMATS.md "Owner quotas".
 */
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';
import { fileError } from '../effects/file-errors.ts';
import { type ShardStore, withOther } from '../shardstore/store.ts';
import { isHexId, type OwnerId } from '../types.ts';
import type { QuotaView } from '../views/quotas.ts';

export interface OwnerQuotas {
  /** Undefined: no limit but the node's own. */
  limitOf(owner: OwnerId): number | undefined;
  /** `all`: every owner without a limit of his own. `limitBytes` undefined takes it away. Durable when it resolves. Throws `bad-value`, `input-too-large`. */
  set(owner: OwnerId | 'all', limitBytes: number | undefined): Promise<void>;
  /** Owners with a limit, and those who have stored something; `all` first when there is a limit for all. */
  view(store: Pick<ShardStore, 'owners' | 'ownerBytes'>): QuotaView[];
}

const FORMAT = 1;
/** A node that serves more owners than this one by one has a rule for all. */
const MAX_LIMITS = 10_000;
const MAX_FILE_BYTES = 2 * 1024 * 1024;

/** Throws `malformed-data`: a node that has forgotten its limits must not go on as if there were none. */
export async function openQuotas(disk: Disk, path: string): Promise<OwnerQuotas> {
  const limits = await load(disk, path);
  return {
    limitOf: (owner) => (limits.size === 0 ? undefined : (limits.get(owner) ?? limits.get('all'))),

    async set(owner, limitBytes) {
      if (owner !== 'all' && !isHexId(owner)) {
        throw new DatameshError('bad-value', {
          what: `${JSON.stringify(owner.slice(0, 80))} is no owner`,
          mend: "give an owner's id (64 hex digits, as `datamesh keys list --wide` shows it), or all",
        });
      }
      if (limitBytes !== undefined && (!Number.isSafeInteger(limitBytes) || limitBytes < 0))
        throw new DatameshError('bad-value', { what: `${limitBytes} is no limit` });
      const next = new Map(limits);
      if (limitBytes === undefined) next.delete(owner);
      else next.set(owner, limitBytes);
      if (next.size > MAX_LIMITS) {
        throw new DatameshError('input-too-large', {
          what: `more than ${MAX_LIMITS} owners have a limit`,
          mend: 'set one for all: datamesh quota --user all --set 10GiB',
        });
      }
      const text = JSON.stringify({ format: FORMAT, limits: Object.fromEntries(next) });
      await disk.writeFileAtomic(path, Buffer.from(text), 0o600);
      limits.clear();
      for (const [id, bytes] of next) limits.set(id, bytes);
    },

    view(store) {
      const owners = new Set<OwnerId | 'all'>([...limits.keys(), ...store.owners()]);
      return [...owners]
        .map((owner) => ({
          owner,
          limitBytes: limits.get(owner) ?? limits.get('all'),
          own: limits.has(owner),
          usedBytes: owner === 'all' ? undefined : store.ownerBytes(owner),
        }))
        .sort(
          (a, b) => (b.usedBytes ?? Number.POSITIVE_INFINITY) - (a.usedBytes ?? Number.POSITIVE_INFINITY),
        );
    },
  };
}

/** The store, refusing what goes beyond an owner's limit. What is under way counts; what an owner has put already costs nothing. Reads and deletes go on. */
export function limitingPuts(store: ShardStore, quotas: Pick<OwnerQuotas, 'limitOf'>): ShardStore {
  const under = new Map<OwnerId, number>();
  const put: ShardStore['put'] = (record) => {
    const { owner, id, bytes } = record;
    const limitBytes = quotas.limitOf(owner);
    if (limitBytes === undefined || store.stat(id)?.owners.includes(owner)) return store.put(record);
    const pending = under.get(owner) ?? 0;
    const usedBytes = store.ownerBytes(owner) + pending;
    if (usedBytes + bytes.length > limitBytes) return Promise.reject(ownerFull(owner, limitBytes, usedBytes));
    under.set(owner, pending + bytes.length);
    return store.put(record).finally(() => {
      const left = under.get(owner)! - bytes.length;
      if (left === 0) under.delete(owner);
      else under.set(owner, left);
    });
  };
  return withOther(store, { put });
}

async function load(disk: Disk, path: string): Promise<Map<OwnerId | 'all', number>> {
  try {
    const bytes = await disk.readFile(path, MAX_FILE_BYTES);
    if (bytes === undefined) return new Map();
    const { format, limits } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      format: unknown;
      limits: unknown;
    };
    if (format !== FORMAT || typeof limits !== 'object' || limits === null) throw new RangeError('its form');
    const entries = Object.entries(limits as Record<string, unknown>);
    const good = entries.every(
      ([owner, limit]) =>
        (owner === 'all' || isHexId(owner)) && Number.isSafeInteger(limit) && (limit as number) >= 0,
    );
    if (!good) throw new RangeError('a limit');
    return new Map(entries as [OwnerId | 'all', number][]);
  } catch (cause) {
    if (fileError(cause) !== undefined) throw cause;
    throw new DatameshError('malformed-data', {
      what: `the limits of owners in ${path} cannot be read`,
      mend: 'move the file away and set them again: datamesh quota --user OWNER --set 10GiB',
      cause,
    });
  }
}

function ownerFull(owner: OwnerId, limitBytes: number, usedBytes: number): DatameshError {
  return new DatameshError('quota-full', {
    what: `owner ${owner.slice(0, 12)}… may store ${limitBytes} bytes on this node and has ${usedBytes}`,
    why: 'whoever runs it has set this limit',
    mend: 'delete what is not needed, or ask for more (datamesh quota --set, on that node)',
    details: { quotaBytes: limitBytes, usedBytes },
  });
}
