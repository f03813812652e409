/** Get: manifest by hint, DHT or search → stripes in order, read ahead, verified, decoded, opened. */
import { asDatameshError, DatameshError, type ErrorCode } from '../../errors.ts';
import type { Codec, Landing, OpenedChunk } from '../codec/codec.ts';
import {
  chunkLength,
  decodeManifest,
  type Manifest,
  type OpenedManifest,
  openManifest,
} from '../codec/manifest.ts';
import type { GetOptions } from '../engine.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { ObjectRouting } from '../mesh/dht.ts';
import { type Span, spanned } from '../observe/spans.ts';
import { manifestShardId, type ObjectId, type PeerId } from '../types.ts';
import { GET_WINDOW_STRIPES } from './limits.ts';
import { type ReadContext, readStripe } from './stripe-reader.ts';
import type { Whereabouts } from './whereabouts.ts';
import { orderedWindow } from './window.ts';

const FETCH_AGAIN: ReadonlySet<ErrorCode> = new Set(['internal', 'hash-mismatch']);

export interface GetContext {
  codec: Codec;
  owner: OwnerKeys;
  routing: Pick<ObjectRouting, 'findProviders'>;
  read: Omit<ReadContext, 'signal'>;
  /** The get that stripes are a part of, while it is traced. */
  span?: Span | undefined;
  /** What custodians say of the object that is read. */
  whereabouts?: Whereabouts | undefined;
  /** The object's manifest as its custodians keep it, verified; undefined where none of them gives it. */
  manifestInCustody?: ((id: ObjectId, signal: AbortSignal) => Promise<Uint8Array | undefined>) | undefined;
}

/**
 * The verified bytes of a manifest: from the holders noted in the catalog, else from the object's custodians, else from providers in the DHT, else from
 * whoever says it holds it. Throws `shards-missing` when none does, or `not-found` when the object was only an id.
 * @param decode `decodeOwnManifest` where the id is one that the owner's own catalog names
 */
export async function fetchManifest(
  objectId: ObjectId,
  hints: readonly PeerId[],
  label: string,
  context: GetContext,
  signal: AbortSignal,
  decode: (bytes: Uint8Array) => Manifest = decodeManifest,
): Promise<Manifest> {
  const id = manifestShardId(objectId);
  const shards = (holders: readonly PeerId[]) => holders.map((holder, index) => ({ index, id, holder }));
  const read = { ...context.read, signal };
  const fetch = async (holders: readonly PeerId[], anywhere: boolean) => {
    const found = await readStripe(
      {
        label,
        k: 1,
        shards: holders.length > 0 ? shards(holders) : [{ index: 0, id, holder: undefined }],
        shardBytes: undefined,
      },
      anywhere ? read : { ...read, reachable: () => [] },
    );
    return decode([...found.values()][0]!);
  };
  const reachable = hints.filter((holder) => context.read.backend(holder) !== undefined);
  if (reachable.length > 0) {
    try {
      return await fetch(reachable, false);
    } catch (error) {
      if (!(error instanceof DatameshError) || error.code !== 'shards-missing') throw error;
    }
  }
  const kept = await context.manifestInCustody?.(objectId, signal);
  if (kept !== undefined) return decode(Uint8Array.from(kept));
  const providers = (await context.routing.findProviders(objectId)).filter((peer) => !hints.includes(peer));
  return await fetch([...hints, ...providers], true);
}

export function openWithOwner(manifest: Manifest, owner: OwnerKeys): OpenedManifest {
  return openManifest(manifest, owner);
}

export interface ByteRange {
  offset: number;
  length: number;
}

/** Checks a wanted range against the object. Throws `bad-value`. */
export function rangeOf(options: GetOptions, sizeBytes: number): ByteRange {
  const offset = options.offset ?? 0;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > sizeBytes) {
    throw new DatameshError('bad-value', {
      what: `the range begins at byte ${offset} and the object has ${sizeBytes} bytes`,
      mend: `choose an --offset from 0 to ${sizeBytes}`,
    });
  }
  const length = options.length ?? sizeBytes - offset;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new DatameshError('bad-value', {
      what: `${length} is no length`,
      mend: 'choose a --length of 0 or more bytes',
    });
  }
  return { offset, length: Math.min(length, sizeBytes - offset) };
}

/**
 * The plaintext of a range, in order, touching only the stripes it needs. Every byte was verified and authenticated. A piece is valid until the next one is
 * asked for: it lies in the codec's memory, which later stripes use again.
 */
export async function* readRange(
  name: string,
  manifest: Manifest,
  opened: OpenedManifest,
  range: ByteRange,
  context: GetContext,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { secret, fileKey } = opened;
  const { whereabouts } = context;
  if (range.length === 0) return;
  if (secret.inline !== undefined) {
    yield secret.inline.subarray(range.offset, range.offset + range.length);
    return;
  }
  const { chunkBytes, code, stripeCount } = manifest;
  const first = Math.floor(range.offset / chunkBytes);
  const last = Math.floor((range.offset + range.length - 1) / chunkBytes);
  const stopper = new AbortController();
  const keep = context.read.cache?.welcomes((last - first + 1) * chunkBytes) ?? false;
  const read: ReadContext = { ...context.read, signal: AbortSignal.any([signal, stopper.signal]) };

  const openStripe = async (index: number, landing: Landing | undefined): Promise<OpenedChunk> => {
    const stripe = manifest.stripe(index);
    // Once custodians were asked, their word goes before the manifest's; whoever is not where either says is searched for.
    const moved = new Map(whereabouts?.known(index).map((it) => [it.index, it.holder]));
    // What is kept is verified as it comes: later its memory may be another stripe's.
    const later = landing !== undefined && !keep;
    try {
      const shards = await readStripe(
        {
          label: `stripe ${index + 1} of ${stripeCount} of ${JSON.stringify(name)}`,
          k: code.k,
          shards: stripe.ids.map((id, at) => ({
            index: at,
            id,
            holder: moved.get(at) ?? stripe.holders[at],
          })),
          moved: whereabouts && ((asking) => whereabouts.of(index, asking)),
          shardBytes: stripe.shardBytes,
          landing,
          unverified: later,
          keep,
        },
        read,
      );
      return await context.codec.decode({
        code,
        fileKey,
        chunkIndex: index,
        last: index === stripeCount - 1,
        plaintextBytes: chunkLength(manifest, secret.sizeBytes, index),
        shardBytes: stripe.shardBytes,
        shards,
        // Where a worker has the bytes before it, it verifies them too: 0.9 ms per 4 MiB off this thread.
        ids: later ? stripe.ids : undefined,
        landing,
        packed: manifest.packed,
      });
    } finally {
      landing?.release();
    }
  };

  const traced = (index: number) =>
    context.span === undefined
      ? readChunk(index)
      : spanned(context.span, 'datamesh.get.stripe', { 'datamesh.stripe': index }, () => readChunk(index));
  const readChunk = async (index: number): Promise<OpenedChunk> => {
    const landing = await context.codec.receive(code, manifest.shardBytes(index), read.signal);
    const { bytes, release } = await openStripe(index, landing).catch((error: unknown) => {
      // A worker died over shards in the codec's memory, which are gone with it, or somebody sent wrong ones: fetched again, each is verified as it comes.
      const again = landing !== undefined && FETCH_AGAIN.has(asDatameshError(error).code);
      if (!again || read.signal.aborted) throw error;
      return openStripe(index, undefined);
    });
    const start = Math.max(0, range.offset - index * chunkBytes);
    const end = Math.min(bytes.length, range.offset + range.length - index * chunkBytes);
    return { bytes: bytes.subarray(start, end), release };
  };
  try {
    const indices = (function* () {
      for (let index = first; index <= last; index++) yield index;
    })();
    const discard = (chunk: OpenedChunk) => chunk.release();
    for await (const chunk of orderedWindow(
      indices,
      GET_WINDOW_STRIPES,
      traced,
      () => stopper.abort(),
      discard,
    )) {
      try {
        yield chunk.bytes;
      } finally {
        chunk.release();
      }
    }
  } catch (error) {
    throw signal.aborted ? new DatameshError('cancelled', { what: 'the get was cancelled' }) : error;
  }
}
