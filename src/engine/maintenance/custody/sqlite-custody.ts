/** Custody on SQLite: a file beside the catalog, one connection, every batch one transaction that is durable when it returns. */
import type { DatabaseSync } from 'node:sqlite';
import { DatameshError } from '../../../errors.ts';
import type { Row } from '../../effects/sqlite-file.ts';
import { openSqlite, sqliteCalls } from '../../effects/sqlite-file.ts';
import { bytesToHex, hexToBytes, type ObjectId, type OwnerId, type PeerId } from '../../types.ts';
import {
  type Claim,
  type ClaimsOf,
  CUSTODY_LIMITS,
  type CustodyLimits,
  type CustodyMark,
  type CustodyStore,
  GIVE_WAY,
  type Keep,
  type Kept,
  makesRoom,
} from './custody-store.ts';
import { holdersOf, mergeClaims } from './memory-custody.ts';
import { parseOrder, replaces } from './order.ts';
import { UsageBook } from './usage-book.ts';

/** "DMcu". */
const APPLICATION_ID = 0x444d6375;
const FORMAT = 1;
/** Claims are read and written whole, so they are one value: stripe u32 | index u16 | number of the holder u32. */
const CLAIM_BYTES = 10;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
  CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    object_id BLOB NOT NULL UNIQUE,
    owner BLOB NOT NULL,
    released INTEGER NOT NULL CHECK (released IN (0, 1)),
    sequence INTEGER NOT NULL,
    manifest_bytes INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    claims BLOB NOT NULL
  ) STRICT;
  CREATE INDEX orders_owner ON orders (owner, manifest_bytes);
  CREATE TABLE manifests (
    id INTEGER PRIMARY KEY REFERENCES orders (id) ON DELETE CASCADE,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE holders (
    id INTEGER PRIMARY KEY,
    holder TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE held (
    holder INTEGER NOT NULL REFERENCES holders (id),
    object INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    PRIMARY KEY (holder, object)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX held_object ON held (object);
`;
const OPEN = '(released = 0 OR manifest_bytes > 0)';
const CARRIED_OUT = '(released = 1 AND manifest_bytes = 0)';
/** Made where they are missing: an older datamesh keeps them up, and does not need them. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS orders_open ON orders (object_id) WHERE ${OPEN};
  CREATE INDEX IF NOT EXISTS orders_carried_out ON orders (owner) WHERE ${CARRIED_OUT};
`;
/** Orders of a holder that has few are found by the holder and sorted, for each page anew; of one that has many, in order: each page of half a million orders some milliseconds either way. */
const SORTED_ORDERS = 8_192;
const SORTED = 'held h CROSS JOIN orders o ON o.id = h.object';
const IN_ORDER = 'orders o CROSS JOIN held h ON h.object = o.id';
const MARK = 'object_id, owner, released, sequence, manifest_bytes';

/** Nodes that have gone for good, of which nothing refers to any object: `numberMade` numbers those that come back anew. */
const FORGET_HOLDERS = `
  DELETE FROM holders WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.holder = holders.id)
`;

/** Opens or makes the file (`:memory:` for none). Throws `format-too-new`, `malformed-data`, `file-denied`, `lock-held`. */
export function openCustody(path: string, limits: CustodyLimits = CUSTODY_LIMITS): CustodyStore {
  return openSqlite(path, (db) => {
    prepareFile(db, path);
    db.exec(INDEXES);
    db.exec(FORGET_HOLDERS);
    return custodyOn(db, path, limits);
  });
}

function prepareFile(db: DatabaseSync, path: string): void {
  if (isEmptyCustody(db, path)) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
}

/** Whether an open file has no tables yet. Throws `format-too-new` and, for a foreign database, `malformed-data`. */
export function isEmptyCustody(db: DatabaseSync, path: string): boolean {
  const number = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  if (db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0) return true;
  if (number('application_id') !== APPLICATION_ID) {
    throw new DatameshError('malformed-data', {
      what: `${path} is a database, but none of datamesh’s custody`,
      mend: 'move it away; datamesh makes a new one, and other custodians fill it again',
    });
  }
  if (number('user_version') > FORMAT) {
    throw new DatameshError('format-too-new', {
      what: `${path} has format ${number('user_version')}, this datamesh knows up to ${FORMAT}`,
      mend: 'use the newer datamesh that wrote it',
    });
  }
  return false;
}

function custodyOn(db: DatabaseSync, path: string, limits: CustodyLimits): CustodyStore {
  const { get, all, run, guarded, transaction } = sqliteCalls(db, path, () => {
    numbers.clear();
    names.clear();
    usage.clear();
  });

  /** Holders by number and back: some hundreds in a mesh. */
  const numbers = new Map<PeerId, number>();
  const names = new Map<number, PeerId>();
  const numberOf = (holder: PeerId): number | undefined => {
    const known =
      numbers.get(holder) ??
      (get('SELECT id FROM holders WHERE holder = ?', holder)?.id as number | undefined);
    if (known !== undefined) numbers.set(holder, known);
    return known;
  };
  const numberMade = (holder: PeerId): number =>
    numberOf(holder) ?? Number(run('INSERT INTO holders (holder) VALUES (?)', holder).lastInsertRowid);
  const nameOf = (number: number): PeerId => {
    const known =
      names.get(number) ?? (get('SELECT holder FROM holders WHERE id = ?', number)!.holder as PeerId);
    names.set(number, known);
    return known;
  };

  const rowOf = (id: ObjectId): Row | undefined =>
    get(`SELECT id, ${MARK}, bytes, claims FROM orders WHERE object_id = ?`, hexToBytes(id));
  const claimsOf = (row: Row): Claim[] => {
    const bytes = Buffer.from(row.claims as Uint8Array);
    const claims: Claim[] = [];
    for (let at = 0; at < bytes.length; at += CLAIM_BYTES) {
      claims.push({
        stripe: bytes.readUInt32BE(at),
        index: bytes.readUInt16BE(at + 4),
        holder: nameOf(bytes.readUInt32BE(at + 6)),
      });
    }
    return claims;
  };
  const claimBytes = (claims: readonly Claim[]): Uint8Array => {
    const bytes = Buffer.alloc(claims.length * CLAIM_BYTES);
    claims.forEach(({ stripe, index, holder }, i) => {
      bytes.writeUInt32BE(stripe, i * CLAIM_BYTES);
      bytes.writeUInt16BE(index, i * CLAIM_BYTES + 4);
      bytes.writeUInt32BE(numberMade(holder), i * CLAIM_BYTES + 6);
    });
    return bytes;
  };
  const noteHeld = (row: number, holders: Iterable<PeerId>) => {
    for (const holder of new Set(holders))
      run('INSERT OR IGNORE INTO held (holder, object) VALUES (?, ?)', numberMade(holder), row);
  };
  const dropHeld = (row: number, stay: ReadonlySet<PeerId>) => {
    for (const { holder } of all('SELECT holder FROM held WHERE object = ?', row))
      if (!stay.has(nameOf(holder as number)))
        run('DELETE FROM held WHERE holder = ? AND object = ?', holder as number, row);
  };
  /** Most of them are known already: what says nothing new is not written, and who is noted is not noted again. */
  const setClaims = (row: Row, before: readonly Claim[], claims: readonly Claim[]) => {
    const bytes = claimBytes(claims);
    if (Buffer.compare(bytes, row.claims as Uint8Array) === 0) return;
    run('UPDATE orders SET claims = ? WHERE id = ?', bytes, row.id as number);
    const noted = new Set(holdersOf(before));
    noteHeld(
      row.id as number,
      holdersOf(claims).filter((holder) => !noted.has(holder)),
    );
  };

  const changeClaims = <T extends ClaimsOf>(batch: readonly T[], change: (row: Row, it: T) => void) => {
    if (batch.length === 0) return;
    transaction(() => {
      for (const it of batch) {
        const row = rowOf(it.objectId);
        if (row !== undefined) change(row, it);
      }
    });
  };

  const usage = new UsageBook(get);
  const makeRoom = (owner: OwnerId) => {
    const { changes } = run(
      `DELETE FROM orders WHERE id IN
       (SELECT id FROM orders WHERE owner = ? AND ${CARRIED_OUT} ORDER BY id LIMIT ${GIVE_WAY})`,
      hexToBytes(owner),
    );
    usage.note(owner, { orders: -Number(changes), released: -Number(changes) });
  };
  const noteManifest = (owner: OwnerId, row: number, manifest: Uint8Array) => {
    run('INSERT INTO manifests (id, bytes) VALUES (?, ?)', row, manifest);
    usage.note(owner, { manifestBytes: manifest.length });
  };
  /** What nearly every order is: in one row, with what came with it. */
  const keepNew = (keep: Keep): Kept => {
    const { order, bytes, manifest, holders = [], claims = [] } = keep;
    const share = usage.of(order.owner);
    if (share.orders >= limits.ordersPerOwner && makesRoom(keep)) makeRoom(order.owner);
    if (share.orders >= limits.ordersPerOwner) return 'full';
    const manifestBytes = manifest?.length ?? 0;
    const fits = share.manifestBytes + manifestBytes <= limits.manifestBytesPerOwner;
    const kept = mergeClaims([], claims);
    const { lastInsertRowid } = run(
      'INSERT INTO orders (object_id, owner, released, sequence, manifest_bytes, bytes, claims) VALUES (?, ?, ?, ?, ?, ?, ?)',
      hexToBytes(order.objectId),
      hexToBytes(order.owner),
      order.state === 'released' ? 1 : 0,
      order.sequence,
      fits ? manifestBytes : 0,
      bytes,
      claimBytes(kept),
    );
    const id = Number(lastInsertRowid);
    usage.note(order.owner, { orders: 1, released: order.state === 'released' ? 1 : 0 });
    if (manifest !== undefined && fits) noteManifest(order.owner, id, manifest);
    noteHeld(id, [...holders, ...holdersOf(kept)]);
    return fits ? 'kept' : 'full';
  };

  const drop = (id: ObjectId) => {
    const row = get(
      'DELETE FROM orders WHERE object_id = ? RETURNING owner, released, manifest_bytes',
      hexToBytes(id),
    );
    if (row !== undefined) usage.gone(row);
  };

  const keepOne = (keep: Keep): Kept => {
    const { order, bytes, manifest, holders, claims } = keep;
    const row = rowOf(order.objectId);
    if (row === undefined) return keepNew(keep);
    const before = markOf(row);
    if (before.owner !== order.owner) {
      if (manifest === undefined || before.hasManifest) return 'disputed';
      drop(order.objectId);
      return keepNew(keep);
    }
    const share = usage.of(order.owner);
    const newer = replaces(order, before);
    if (!newer && (order.sequence < before.sequence || before.state !== order.state)) return 'older';
    let outcome: Kept = newer ? 'kept' : 'known';
    const released = order.state === 'released' ? 1 : 0;
    if (newer) {
      run(
        'UPDATE orders SET released = ?, sequence = ?, bytes = ? WHERE id = ?',
        released,
        order.sequence,
        bytes,
        row.id as number,
      );
      usage.note(order.owner, { released: released - (row.released as number) });
    }
    const id = row.id as number;
    if (manifest !== undefined && !before.hasManifest) {
      if (share.manifestBytes + manifest.length > limits.manifestBytesPerOwner) outcome = 'full';
      else {
        noteManifest(order.owner, id, manifest);
        run('UPDATE orders SET manifest_bytes = ? WHERE id = ?', manifest.length, id);
        if (!newer) outcome = 'kept';
      }
    }
    noteHeld(id, holders ?? []);
    if (claims !== undefined && claims.length > 0) {
      const known = claimsOf(row);
      setClaims(row, known, mergeClaims(known, claims));
    }
    return outcome;
  };

  const listWhere =
    (condition: string): CustodyStore['list'] =>
    (cursor, limit) =>
      guarded(() =>
        all(
          `SELECT ${MARK} FROM orders WHERE ${condition} AND object_id > ? ORDER BY object_id LIMIT ?`,
          hexToBytes(cursor ?? ''),
          limit,
        ).map(markOf),
      );

  return {
    keep: (batch) => (batch.length === 0 ? [] : transaction(() => batch.map(keepOne))),
    mark: (id) =>
      guarded(() => {
        const row = get(`SELECT ${MARK} FROM orders WHERE object_id = ?`, hexToBytes(id));
        return row && markOf(row);
      }),
    get: (id) =>
      guarded(() => {
        const row = rowOf(id);
        if (row === undefined) return undefined;
        const bytes = new Uint8Array(row.bytes as Uint8Array);
        return { ...markOf(row), order: parseOrder(bytes).order, bytes, claims: claimsOf(row) };
      }),
    manifest: (id) =>
      guarded(() => {
        const row = get(
          'SELECT m.bytes FROM manifests m JOIN orders o ON o.id = m.id WHERE o.object_id = ?',
          hexToBytes(id),
        );
        return row && new Uint8Array(row.bytes as Uint8Array);
      }),
    list: listWhere('TRUE'),
    listOpen: listWhere(OPEN),
    heldBy: (holder, cursor, limit) =>
      guarded(() => {
        const number = numberOf(holder);
        if (number === undefined) return [];
        const some = get(
          'SELECT count(*) AS rows FROM (SELECT 1 FROM held WHERE holder = ? LIMIT ?)',
          number,
          SORTED_ORDERS + 1,
        )!.rows as number;
        const from = some > SORTED_ORDERS ? IN_ORDER : SORTED;
        return all(
          `SELECT o.object_id FROM ${from} WHERE h.holder = ? AND o.object_id > ? ORDER BY o.object_id LIMIT ?`,
          number,
          hexToBytes(cursor ?? ''),
          limit,
        ).map((row) => bytesToHex(row.object_id as Uint8Array) as ObjectId);
      }),
    claim: (batch) =>
      changeClaims(batch, (row, { claims }) => {
        const before = claimsOf(row);
        setClaims(row, before, mergeClaims(before, claims));
      }),
    reclaim: (batch) =>
      changeClaims(batch, (row, { claims, noted }) => {
        const kept = mergeClaims([], claims);
        setClaims(row, claimsOf(row), kept);
        dropHeld(row.id as number, new Set([...noted, ...holdersOf(kept)]));
      }),
    claims: (id) =>
      guarded(() => {
        const row = rowOf(id);
        return row === undefined ? [] : claimsOf(row);
      }),
    forget(ids) {
      if (ids.length === 0) return;
      transaction(() => ids.forEach(drop));
    },
    settle(id) {
      transaction(() => {
        const row = rowOf(id);
        if (row === undefined || row.released !== 1) return;
        run('DELETE FROM manifests WHERE id = ?', row.id as number);
        run('DELETE FROM held WHERE object = ?', row.id as number);
        run(
          'UPDATE orders SET manifest_bytes = 0, claims = ? WHERE id = ?',
          new Uint8Array(0),
          row.id as number,
        );
        usage.manifestGone(row);
      });
    },
    usage: () => guarded(() => ({ ...usage.all() })),
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function markOf(row: Row): CustodyMark {
  return {
    objectId: bytesToHex(row.object_id as Uint8Array) as ObjectId,
    owner: bytesToHex(row.owner as Uint8Array) as OwnerId,
    state: row.released === 1 ? 'released' : 'live',
    sequence: row.sequence as number,
    hasManifest: (row.manifest_bytes as number) > 0,
    manifestBytes: row.manifest_bytes as number,
  };
}
