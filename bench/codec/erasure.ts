/** Encode and reconstruct against ISA-L: the kernel on shards in wasm memory, and with the copies for shards that lie elsewhere. */
import { shardBytesOf } from '../../src/engine/codec/aead.ts';
import { Erasure } from '../../src/engine/codec/erasure.ts';
import { Workspace } from '../../src/engine/codec/workspace.ts';
import type { Report } from '../support/rows.ts';
import { startIsal } from './isal.ts';
import { inTurns, noise, rate, type Turn } from './timing.ts';

const CASES = [
  { k: 4, m: 2, lost: 0 },
  { k: 10, m: 4, lost: 0 },
  { k: 4, m: 2, lost: 2 },
  { k: 10, m: 4, lost: 4 },
];

export async function erasureRows(report: Report, sizes: readonly number[]): Promise<void> {
  const isal = startIsal();
  if (typeof isal === 'string') report.note(isal);
  const reference = typeof isal === 'string' ? undefined : isal;
  for (const { k, m, lost } of CASES) {
    for (const size of sizes) {
      const code = { k, m };
      const shardBytes = shardBytesOf(size, k);
      const what = lost === 0 ? `encode ${k}+${m}` : `reconstruct ${lost} of ${k}+${m}`;
      const figures = await inTurns({
        ...ownTurns(code, shardBytes, lost),
        ...(reference === undefined ? {} : { isal: () => reference.measure(code, shardBytes, lost) }),
      } as Record<'inPlace' | 'copied' | 'isal', Turn>);
      const against = reference === undefined ? undefined : { name: 'ISA-L', values: figures.isal };
      const label = `${what}, ${size / 2 ** 20} MiB`;
      report.add(label, figures.inPlace, 'GB/s', against);
      report.add(`${label}, copied in and out`, figures.copied, 'GB/s', against);
    }
  }
  reference?.close();
}

function ownTurns(code: { k: number; m: number }, shardBytes: number, lost: number) {
  const { k, m } = code;
  const erasure = new Erasure();
  const workspace = Workspace.own((k + m + lost) * shardBytes);
  workspace.view(0, k * shardBytes).set(noise(k * shardBytes));
  erasure.encodeInPlace(workspace, code, shardBytes);
  const shards = Array.from({ length: k + m }, (_, i) => workspace.view(i * shardBytes, shardBytes).slice());
  if (lost === 0) {
    return {
      inPlace: rate(k * shardBytes, () => erasure.encodeInPlace(workspace, code, shardBytes)),
      copied: rate(k * shardBytes, () => erasure.encode(code, shards.slice(0, k), shards.slice(k))),
    };
  }
  const wanted = Array.from({ length: lost }, (_, i) => i);
  const from = Array.from({ length: k }, (_, i) => lost + i);
  const kept = new Map(from.map((index) => [index, shards[index]!]));
  const room = new Uint8Array(lost * shardBytes);
  const offsets = { from: from.map((i) => i * shardBytes), to: wanted.map((i) => (k + m + i) * shardBytes) };
  erasure.rebuildInPlace(workspace, code, shardBytes, {
    from,
    wanted,
    fromAt: offsets.from,
    wantedAt: offsets.to,
  });
  for (const i of wanted) {
    const rebuilt = workspace.view((k + m + i) * shardBytes, shardBytes);
    if (Buffer.compare(rebuilt, shards[i]!) !== 0) throw new Error(`shard ${i} was rebuilt wrongly`);
  }
  return {
    inPlace: rate(k * shardBytes, () =>
      erasure.rebuildInPlace(workspace, code, shardBytes, {
        from,
        wanted,
        fromAt: offsets.from,
        wantedAt: offsets.to,
      }),
    ),
    copied: rate(k * shardBytes, () => {
      erasure.rebuild(code, shardBytes, kept, wanted, () => room);
    }),
  };
}
