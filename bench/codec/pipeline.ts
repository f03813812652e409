/** The whole put and get pipeline of one thread against its stages, each measured alone on the same buffers. */
import { spawnSync } from 'node:child_process';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { shardBytesOf } from '../../src/engine/codec/aead.ts';
import { Erasure } from '../../src/engine/codec/erasure.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import { copyInto, freeNow } from '../../src/engine/codec/memory.ts';
import { Workspace } from '../../src/engine/codec/workspace.ts';
import { median, type Report } from '../support/rows.ts';
import { asyncRate, inSeries, inTurns, noise, perInput, preparedRate, rate } from './timing.ts';

const CODE = { k: 4, m: 2 };
/** As the codec does. */
const PIECE_BYTES = 128 * 1024;
const fileKey = new Uint8Array(32).fill(9);

export async function pipelineRows(report: Report, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const openssl = opensslSpeed(size);
    if (openssl === undefined) report.note('no openssl command here: AES is compared with node:crypto alone');
    await pipelineOf(report, size, openssl);
  }
}

async function pipelineOf(report: Report, size: number, openssl: number[] | undefined): Promise<void> {
  const { k, m } = CODE;
  const codec = createCodec();
  const plaintext = noise(size);
  const shardBytes = shardBytesOf(size, k);
  const job = { code: CODE, fileKey, chunkIndex: 0, last: false };
  const stripe = await codec.encode({ ...job, plaintext });
  const shards = stripe.shards.map((shard) => new Uint8Array(shard));
  /** Verified, with what is lost made again, opened. */
  const wanted = { ...job, plaintextBytes: size, shardBytes, ids: stripe.ids };
  const kept = new Map([2, 3, 4, 5].map((index) => [index, shards[index]!]));
  const erasure = new Erasure();
  const workspace = Workspace.own((k + m + 2) * shardBytes);
  shards.forEach((shard, i) => {
    workspace.view(i * shardBytes, shardBytes).set(shard);
  });
  const places = { from: [2, 3, 4, 5], wanted: [0, 1] };
  const fromAt = places.from.map((i) => i * shardBytes);
  const wantedAt = [6 * shardBytes, 7 * shardBytes];
  const figures = await inTurns({
    put: asyncRate(size, async () => (await codec.encode({ ...job, plaintext })).release()),
    get: asyncRate(size, async () => (await codec.decode({ ...wanted, shards: kept })).release()),
    getLanded: preparedRate(
      size,
      async () => {
        const landing = (await codec.receive(CODE, shardBytes))!;
        const received = new Map<number, Uint8Array>();
        for (const [index, shard] of kept) {
          const place = landing.bufferFor(index)!;
          copyInto(place, shard);
          landing.ended(index);
          received.set(index, place);
        }
        return { landing, shards: received };
      },
      async (received) => (await codec.decode({ ...wanted, ...received })).release(),
      ({ landing }) => landing.release(),
    ),
    seal: rate(size, () => aes(createCipheriv('aes-256-gcm', fileKey, fileKey.subarray(0, 12)), plaintext)),
    open: rate(size, () => aes(createDecipheriv('aes-256-gcm', fileKey, fileKey.subarray(0, 12)), plaintext)),
    encode: rate(size, () => erasure.encodeInPlace(workspace, CODE, shardBytes)),
    rebuild: rate(size, () =>
      erasure.rebuildInPlace(workspace, CODE, shardBytes, { ...places, fromAt, wantedAt }),
    ),
    hashMade: rate((k + m) * shardBytes, () => {
      for (let i = 0; i < k + m; i++) blake3(workspace.view(i * shardBytes, shardBytes));
    }),
    hashKept: rate(k * shardBytes, () => {
      for (const shard of kept.values()) blake3(shard);
    }),
  });
  const mib = `${size / 2 ** 20} MiB`;
  const putLimit = inSeries(figures.seal, figures.encode, perInput(figures.hashMade, (k + m) / k));
  const getLimit = inSeries(figures.open, figures.rebuild, figures.hashKept);
  report.add(`put pipeline 4+2, ${mib}`, figures.put, 'GB/s', { name: 'its stages alone', values: putLimit });
  report.add(`get pipeline 4+2 with 2 lost, ${mib}`, figures.get, 'GB/s', {
    name: 'its stages alone',
    values: getLimit,
  });
  report.add(`get pipeline 4+2 with 2 lost, ${mib}, received in place`, figures.getLanded, 'GB/s', {
    name: 'its stages alone',
    values: getLimit,
  });
  if (openssl === undefined) return;
  const aesOf = { name: 'openssl speed', values: openssl };
  report.add(`AES-256-GCM by node:crypto, ${mib}`, figures.seal, 'GB/s', aesOf);
  const typical = figures.seal.map(() => median(openssl));
  const strict = inSeries(typical, figures.encode, perInput(figures.hashMade, (k + m) / k));
  report.add(`put pipeline 4+2, ${mib}, AES of openssl speed`, figures.put, 'GB/s', {
    name: 'openssl + erasure + BLAKE3',
    values: strict,
  });
  const strictGet = {
    name: 'openssl + erasure + BLAKE3',
    values: inSeries(typical, figures.rebuild, figures.hashKept),
  };
  const got = `get pipeline 4+2 with 2 lost, ${mib}`;
  report.add(`${got}, AES of openssl speed`, figures.get, 'GB/s', strictGet);
  report.add(`${got}, received in place, AES of openssl speed`, figures.getLanded, 'GB/s', strictGet);
  await codec.close();
}

/** What node:crypto itself costs: its outputs are let go at once and copied nowhere. */
function aes(cipher: { update(bytes: Uint8Array): Uint8Array }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    freeNow(cipher.update(bytes.subarray(at, at + PIECE_BYTES)));
  }
}

/** GB/s per second of user time, as that command counts, of a buffer of that size. */
function opensslSpeed(size: number): number[] | undefined {
  const figures: number[] = [];
  for (let run = 0; run < 5; run++) {
    const args = ['speed', '-seconds', '1', '-bytes', String(size), '-evp', 'aes-256-gcm'];
    const result = spawnSync('openssl', args, { encoding: 'utf8' });
    const found = /([\d.]+)k\s*$/m.exec(result.stdout ?? '');
    if (result.status !== 0 || found === null) return undefined;
    figures.push(Number(found[1]) / 1e6);
  }
  return figures;
}
