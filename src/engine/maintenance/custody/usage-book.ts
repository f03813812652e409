/** What orders in custody take, of each owner and in all: counted once, then kept up. */
import type { Row } from '../../effects/sqlite-file.ts';
import { bytesToHex, hexToBytes, type OwnerId } from '../../types.ts';
import type { CustodyUsage } from './custody-store.ts';

/** What an index on owner and manifest_bytes tells by itself (half a million orders: 35 ms). Which of them are released only the rows tell (120 to 150 ms). */
const SHARE = 'count(*) AS orders, coalesce(sum(manifest_bytes), 0) AS bytes';

type Share = Omit<CustodyUsage, 'released'>;

export class UsageBook {
  readonly #get: (sql: string, ...values: Uint8Array[]) => Row | undefined;
  readonly #shares = new Map<OwnerId, Share>();
  #all: CustodyUsage | undefined;

  constructor(get: (sql: string, ...values: Uint8Array[]) => Row | undefined) {
    this.#get = get;
  }

  all(): Readonly<CustodyUsage> {
    if (this.#all === undefined) {
      const row = this.#get(`SELECT ${SHARE}, coalesce(sum(released), 0) AS released FROM orders`)!;
      this.#all = { ...shareOf(row), released: row.released as number };
    }
    return this.#all;
  }

  /** Kept up: what is said by `note` shows in it. */
  of(owner: OwnerId): Readonly<Share> {
    let share = this.#shares.get(owner);
    if (share === undefined) {
      share = shareOf(this.#get(`SELECT ${SHARE} FROM orders WHERE owner = ?`, hexToBytes(owner))!);
      this.#shares.set(owner, share);
    }
    return share;
  }

  /** The table has changed by that much. */
  note(owner: OwnerId, change: Partial<CustodyUsage>): void {
    for (const usage of [this.#all, this.#shares.get(owner)]) {
      if (usage === undefined) continue;
      usage.orders += change.orders ?? 0;
      usage.manifestBytes += change.manifestBytes ?? 0;
    }
    if (this.#all !== undefined) this.#all.released += change.released ?? 0;
  }

  /** The manifest of this row has gone. */
  manifestGone(row: Row): void {
    this.note(ownerOf(row), { manifestBytes: -(row.manifest_bytes as number) });
  }

  /** The row itself has gone, with all it had. */
  gone(row: Row): void {
    this.note(ownerOf(row), { orders: -1, released: -(row.released as number) });
    this.manifestGone(row);
  }

  /** The table is not what was noted: a transaction was rolled back. */
  clear(): void {
    this.#shares.clear();
    this.#all = undefined;
  }
}

function ownerOf(row: Row): OwnerId {
  return bytesToHex(row.owner as Uint8Array) as OwnerId;
}

function shareOf(row: Row): Share {
  return { orders: row.orders as number, manifestBytes: row.bytes as number };
}
