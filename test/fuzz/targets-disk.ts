/** Readers of what lies on disks, in files that people carry about, and in objects of the owner's own: all of it may come back damaged or forged. */
import { readMarker } from '../../src/engine/backends/folder-marker.ts';
import { FieldReader, FieldWriter } from '../../src/engine/backup/fields.ts';
import { decodeIndex, encodeIndex } from '../../src/engine/backup/index-file.ts';
import { packEnd, readTable, tableBytesOf } from '../../src/engine/backup/pack-table.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/engine/backup/snapshot-file.ts';
import { writeEntry } from '../../src/engine/backup/tree-entry.ts';
import { readTree } from '../../src/engine/backup/tree-stream.ts';
import { rebalanceNotes } from '../../src/engine/calls/rebalance/note.ts';
import { openSegment, sealSegment } from '../../src/engine/catalog/mirror/segment.ts';
import type { Disk } from '../../src/engine/effects/disk.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { decodeKey, decodeKeyring, encodeKey, encodeKeyring } from '../../src/engine/keys/keyring-file.ts';
import { Quarantine } from '../../src/engine/maintenance/collect/quarantine.ts';
import { checkProof } from '../../src/engine/maintenance/proof/document.ts';
import { loadKnownPeers } from '../../src/engine/mesh/known-peers.ts';
import { openDrainFlag } from '../../src/engine/node/drain.ts';
import { openQuotas } from '../../src/engine/node/owner-quotas.ts';
import { encodeSegmentHeader, openFormat, parseSegmentHeader } from '../../src/engine/shardstore/segment.ts';
import { openBundle } from '../../src/engine/sharing/bundle.ts';
import { readLink, readSharingKey, sharingKeyOf, writeLink } from '../../src/engine/sharing/link.ts';
import { readHeader, readJournal } from '../../src/engine/transfer/put-journal.ts';
import type { ObjectId, PeerId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { idOf, owner } from '../engine/codec/manifest-samples.ts';
import { pattern } from '../engine/codec/reference.ts';
import { MemoryMesh } from '../support/memory-mesh.ts';
import { storedProof } from '../support/stored-proof.ts';
import { cheapBundle } from './cheap-bundle.ts';
import type { Target } from './targets.ts';

const MALFORMED = /^malformed-data$/;
const refused = () => new DatameshError('malformed-data', { what: 'nothing was read' });
const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const peer = '12D3KooWPeer1' as PeerId;
const objectId = idOf(1) as string as ObjectId;

async function* once(bytes: Uint8Array): AsyncGenerator<Buffer> {
  yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
async function drain(all: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of all);
}

/** A disk on which every file has these bytes. */
function diskOf(bytes: Uint8Array): Disk {
  const none = () => Promise.reject(new Error('a reader that wants more than the file'));
  return {
    open: async (path) => ({
      path,
      read: async (buffer, position) => Buffer.from(bytes).copy(buffer, 0, position),
      write: none,
      datasync: none,
      truncate: none,
      sizeBytes: async () => bytes.length,
      close: async () => undefined,
    }),
    readFile: async () => bytes,
    writeFileAtomic: async () => undefined,
    rename: none,
    remove: none,
    makeDir: none,
    list: async () => [],
    stat: none,
    syncDir: none,
    space: none,
  };
}

const table = [{ id: Buffer.from(pattern(32, 1)), storedBytes: 100, rawBytes: 300, method: 1 }];
const entries = [
  { kind: 'directory', path: '', segments: [], target: '' },
  {
    kind: 'file',
    path: 'a',
    segments: [
      { id: Buffer.from(pattern(32, 2)), lengthBytes: 10 },
      { id: undefined, lengthBytes: 5 },
    ],
    target: '',
  },
  { kind: 'link', path: 'b', segments: [], target: 'a' },
] as const;
const tree = Buffer.concat(
  entries.map(({ kind, path, segments, target }) => {
    const out = new FieldWriter();
    writeEntry(out, {
      ...{ kind, path: Buffer.from(path), target: Buffer.from(target), segments: [...segments] },
      ...{ mode: 0o644, uid: 0, gid: 0, mtimeNs: -5n, sizeBytes: 15, sparse: true },
    });
    const entry = out.take();
    return Buffer.concat([new FieldWriter().whole(entry.length).take(), entry]);
  }),
);
const plainKey = {
  name: 'main',
  ownerId: owner.ownerId,
  createdAtMs: 1,
  secret: { kind: 'plain' as const, entropy: 'ab'.repeat(32) },
};
const lockedKey = {
  ...plainKey,
  name: 'locked',
  secret: {
    ...{ kind: 'argon2id' as const, memoryKiB: 65_536, passes: 3, lanes: 1 },
    ...{ salt: 'ab'.repeat(16), nonce: 'cd'.repeat(12), ciphertext: 'ef'.repeat(48) },
  },
};
const journal = [
  {
    format: 'datamesh put journal',
    version: 1,
    owner: owner.ownerId,
    salt: 'ab'.repeat(32),
    code: { k: 2, m: 1 },
    chunkBytes: 262_144,
    startedAtMs: 1,
  },
  { stripe: 0, ids: [idOf(1), idOf(2), idOf(3)] },
  { stripe: 0, holders: [peer, null, peer] },
  { committing: objectId },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');
const folderId = `Dir${'1'.repeat(44)}`;

/** Some readers need samples that take time to make. */
export async function diskTargets(): Promise<Target[]> {
  const sealed: Uint8Array[] = [];
  const record = { kind: 'removed' as const, stamp: '01a2b3c4d5e60000', name: 'x', objectId, createdAtMs: 1 };
  for await (const part of sealSegment(
    (async function* () {
      yield [record];
    })(),
    owner,
    realRandom(),
  ))
    sealed.push(part);
  const proof = Buffer.from((await storedProof(new MemoryMesh(7), 20_000)).lines.join(''));
  const random = realRandom();
  const bundle = await cheapBundle();
  const links = [
    writeLink(objectId, pattern(32, 1), { untilMs: 1_795_000_000_000, readOnce: true }, undefined, random),
    writeLink(
      objectId,
      pattern(32, 1),
      { untilMs: undefined, readOnce: false },
      owner.encryptionPublicKey,
      random,
    ),
    sharingKeyOf(owner.encryptionPublicKey),
  ].map(text);
  return [
    {
      name: 'segment header',
      corpus: [
        encodeSegmentHeader({
          number: 2,
          previous: 1,
          previousValidBytes: 99,
          createdAtMs: 1,
          salt: pattern(16, 1),
        }),
      ],
      run: (input) => {
        if (parseSegmentHeader(input, 'x') === undefined) throw refused();
      },
      refusals: /^(malformed-data|format-too-new)$/,
    },
    {
      name: 'FORMAT',
      corpus: [text({ store: 'datamesh shards', format: 2, salt: 'ab'.repeat(16) })],
      // One that cannot be read is written anew, with another salt.
      run: async (input) => {
        const salt = await openFormat(diskOf(input), '/x', random);
        if (salt.some((byte) => byte !== 0xab)) throw refused();
      },
      refusals: /^(malformed-data|format-too-new)$/,
    },
    {
      name: 'keyring',
      corpus: [
        encodeKeyring({ defaultName: 'main', keys: [plainKey, lockedKey] }),
        text(encodeKey(lockedKey)),
      ],
      run: (input) => {
        try {
          decodeKeyring(input, 'x');
        } finally {
          decodeKey(Buffer.from(input).toString('utf8'), 'x');
        }
      },
      refusals: /^(malformed-data|format-too-new)$/,
    },
    {
      name: 'journal of a put',
      corpus: [text(journal)],
      run: async (input) => {
        const found = await readJournal(diskOf(input), 'x');
        await readHeader(diskOf(input), 'x');
        if (found === undefined) throw refused();
      },
      refusals: MALFORMED,
    },
    {
      name: 'catalog segment',
      corpus: [Buffer.concat(sealed)],
      run: (input) => drain(openSegment(once(input), owner)),
      refusals: /^(malformed-data|not-authentic|format-too-new)$/,
    },
    {
      name: 'proof file',
      corpus: [proof],
      run: async (input) => void (await checkProof(once(input))),
      refusals: /^(malformed-data|not-authentic|format-too-new|denied)$/,
    },
    {
      name: 'quarantine',
      corpus: [
        text(
          `${JSON.stringify({ format: 'datamesh quarantine', version: 1 })}\n${JSON.stringify({ owner: owner.ownerId, by: peer, mark: 2, sinceMs: 5, ids: [idOf(1)] })}\n${JSON.stringify({ owner: owner.ownerId, lift: [idOf(1)] })}\n`,
        ),
      ],
      run: async (input) => {
        const found = await Quarantine.open({
          disk: diskOf(input),
          clock: { now: () => 0 },
          path: 'x',
          log: () => undefined,
        });
        if (found.size === 0) throw refused();
      },
      refusals: MALFORMED,
    },
    {
      name: 'notes of the node',
      corpus: [
        text({ sinceMs: 5 }),
        text({ format: 1, limits: { all: 5, [owner.ownerId]: 7 } }),
        text({ format: 1, addresses: [`/ip4/10.0.0.1/tcp/1/p2p/${peer}`] }),
        text({ store: 'datamesh folder', format: 1, id: folderId, node: peer }),
        text({
          query: { pool: 'p', tolerance: 0.1, bytesPerSecond: 5 },
          resume: true,
          underway: [{ objectId, stripe: 0, index: 1, from: peer, to: peer }],
        }),
      ],
      run: async (input) => {
        const disk = diskOf(input);
        const log = () => undefined;
        const clock = { now: () => 0 } as never;
        await loadKnownPeers(disk, 'x', log);
        await rebalanceNotes(disk, 'x', log).read();
        const each = await Promise.allSettled([
          openDrainFlag({ disk, clock, path: 'x' }),
          openQuotas(disk, 'x'),
          readMarker(disk, 'x'),
        ]);
        const failed = each
          .filter((it) => it.status === 'rejected')
          .map(({ reason }) => reason as { code?: string });
        for (const reason of failed)
          if (!/^(malformed-data|format-too-new)$/.test(String(reason.code))) throw reason;
        if (failed.length === each.length) throw failed[0];
      },
      refusals: /^(malformed-data|format-too-new)$/,
    },
    {
      name: 'snapshot',
      corpus: [
        encodeSnapshot({
          ...{
            takenAtMs: 1,
            node: 'a',
            device: peer,
            source: Buffer.from('/home'),
            tags: ['t'],
            excludes: ['*.o'],
          },
          ...{
            files: 1,
            directories: 2,
            links: 0,
            sizeBytes: 5,
            addedBytes: 5,
            skipped: 0,
            durationMs: 9,
            tree: [Buffer.alloc(32, 1)],
          },
        }),
      ],
      run: (input) => void decodeSnapshot(input),
      refusals: MALFORMED,
    },
    {
      name: 'index of backups',
      corpus: [encodeIndex([{ name: '.datamesh/backup/data/x-0', table }])],
      run: (input) => void decodeIndex(input),
      refusals: MALFORMED,
    },
    {
      name: 'pack',
      corpus: [packEnd(table)],
      run: (input) => {
        const length = tableBytesOf(input.subarray(-9));
        readTable(new FieldReader(input.subarray(Math.max(0, input.length - 9 - length), -9), 'a pack'));
      },
      refusals: MALFORMED,
    },
    {
      name: 'tree of a backup',
      corpus: [tree],
      run: (input) => drain(readTree(once(input))),
      refusals: MALFORMED,
    },
    {
      name: 'link',
      corpus: links,
      run: (input) => {
        const it = Buffer.from(input).toString('utf8');
        if (it.startsWith('dmk-')) readSharingKey(it);
        else readLink(it);
      },
      refusals: /^bad-value$/,
    },
    {
      name: 'bundle',
      corpus: [bundle.bytes],
      // The lock stays: whoever changes its costs makes the reader work for as long as a lock may (keyring mutates locks).
      forge: (mutated) =>
        Buffer.concat([bundle.bytes.subarray(0, bundle.headerBytes), mutated.subarray(bundle.headerBytes)]),
      run: (input) => drain(openBundle(once(input), 'p')),
      refusals: /^(malformed-data|format-too-new|wrong-passphrase|not-authentic)$/,
    },
  ];
}
