/** `verify` and `prove` on a running node: holders are made to prove the shards of the owner's objects. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Entry } from '../catalog/catalog.ts';
import { blake3, blake3Hasher } from '../codec/hash.ts';
import { decodeOwnManifest } from '../codec/manifest.ts';
import { MAX_MANIFEST_BYTES } from '../codec/manifest-limits.ts';
import type { CallOptions } from '../engine.ts';
import { takeCensus } from '../maintenance/census.ts';
import { askHolders, type CensusGroup, type CensusObject } from '../maintenance/census-ask.ts';
import { censusGroups, manifestGroup } from '../maintenance/groups.ts';
import { proofHead, proofLine } from '../maintenance/proof/document.ts';
import type { Node } from '../node.ts';
import { GET_TIMEOUT_MS } from '../transfer/limits.ts';
import { bytesToHex, manifestShardId, type PeerId } from '../types.ts';
import type { ProofFile, VerifyQuery, VerifyReport } from '../views/proofs.ts';
import { findEntry, notFound, publicView } from './object-refs.ts';
import { censusOptions, lookOf, type Objects } from './objects.ts';
import { nameOf, ownerOf } from './put-object.ts';

const LISTED = 100;
/** Stripes proved at a time while a proof file is written: memory does not grow with the object. */
const BATCH_GROUPS = 64;

export interface Proving {
  verify(query: VerifyQuery, call: CallOptions): Promise<VerifyReport>;
  prove(ref: string, call: CallOptions): Promise<ProofFile>;
}

export function createProving(node: Node, objects: Pick<Objects, 'current' | 'open'>): Proving {
  return {
    async verify({ ref, pool, deep }, call) {
      const signal = call.signal ?? new AbortController().signal;
      const failed = new Map<PeerId, VerifyReport['failed'][number]>();
      const tell = (holder: PeerId, absent: number, wrong: number) => {
        if (absent + wrong === 0) return;
        const before = failed.get(holder) ?? { holder, name: nameOf(node, holder), absent: 0, wrong: 0 };
        const who = before.name ?? holder.slice(-8);
        call.onLine?.(`${who} failed a proof: ${absent} shards absent, ${wrong} wrong`, 'warn');
        failed.set(holder, { ...before, absent: before.absent + absent, wrong: before.wrong + wrong });
      };
      const groups = async function* (): AsyncGenerator<CensusObject> {
        for await (const { entry, manifest } of objects.current({ ref, pool }, signal)) {
          const { name, objectId, manifestHolders } = entry;
          const groups = manifest && censusGroups(objectId, manifestHolders, manifest);
          yield { name, objectId, groups, known: entry };
        }
      };
      const health = await takeCensus(groups(), {
        ...censusOptions(node, signal),
        depth: 'proved',
        look: lookOf(node, signal, ({ holder, verdict }) =>
          tell(holder, verdict === 'absent' ? 1 : 0, verdict === 'wrong' ? 1 : 0),
        ),
        onProgress: (doneItems) => call.onProgress?.({ doneBytes: 0, totalBytes: undefined, doneItems }),
        onAttestation({ holder }, _ids, _nonce, verdicts) {
          const absent = verdicts.filter((verdict) => verdict === 'absent').length;
          const wrong = verdicts.filter((verdict) => verdict === 'wrong').length;
          tell(holder, absent, wrong);
        },
      });
      return {
        health,
        failed: [...failed.values()]
          .sort((a, b) => b.wrong - a.wrong || b.absent - a.absent)
          .slice(0, LISTED),
        deep: deep === true ? await readAll(objects, { ref, pool }, call, signal) : undefined,
      };
    },

    async prove(ref, call) {
      const signal = call.signal ?? new AbortController().signal;
      const owner = ownerOf(node);
      const entry = findEntry(node.catalog, owner, ref, undefined);
      if (entry === undefined) throw notFound(node.catalog, owner, ref, undefined);
      const bytes = await manifestBytes(node, entry, signal);
      const manifest = decodeOwnManifest(bytes, owner);
      const groups = censusGroups(entry.objectId, entry.manifestHolders, manifest);
      return { object: publicView(entry), body: proofBody(node, entry, bytes, groups, signal) };
    },
  };
}

async function* proofBody(
  node: Node,
  { objectId }: Entry,
  manifest: Uint8Array,
  groups: readonly CensusGroup[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(proofHead(objectId, manifest));
  for (let from = 0; from < groups.length; from += BATCH_GROUPS) {
    signal.throwIfAborted();
    const lines: string[] = [];
    await askHolders(
      [{ objectId, groups: groups.slice(from, from + BATCH_GROUPS) }],
      {
        ...censusOptions(node, signal),
        inCustody: undefined,
        depth: 'proved',
        onAttestation(attestation, ids, nonce, verdicts) {
          // What is refuted proves nothing, and would spoil the file.
          if (!verdicts.includes('wrong')) lines.push(proofLine(attestation, ids, nonce));
        },
      },
      new Set(),
    );
    for (const line of lines) yield Buffer.from(line);
  }
}

/** The stored bytes, whose hash is the object's id, from its noted holders, its custodians or anybody. */
async function manifestBytes(node: Node, entry: Entry, signal: AbortSignal): Promise<Uint8Array> {
  const { objectId, manifestHolders, code } = entry;
  const noted = manifestGroup(objectId, manifestHolders, code.m).shards.map(({ holder }) =>
    node.backend(holder),
  );
  const from = async (backends: readonly (Backend | undefined)[]) => {
    for (const backend of new Set(backends)) {
      signal.throwIfAborted();
      const call = { timeoutMs: GET_TIMEOUT_MS, signal, maxBytes: MAX_MANIFEST_BYTES };
      const bytes = await backend?.get(manifestShardId(objectId), call).catch(() => undefined);
      if (bytes !== undefined && bytesToHex(blake3(bytes)) === objectId) return Uint8Array.from(bytes);
    }
    return undefined;
  };
  const found =
    (await from(noted)) ??
    (await node.custody.manifest(entry.owner, objectId, signal)) ??
    (await from(node.reachable()));
  if (found !== undefined) return found;
  throw new DatameshError('shards-missing', {
    what: `no holder and no custodian has the manifest of ${JSON.stringify(entry.name)}`,
    why: 'without it nobody knows which shards the object has',
  });
}

/** Reads every object to its end, from its holders and no cache, and compares it with what was stored. */
async function readAll(
  objects: Pick<Objects, 'current' | 'open'>,
  query: Pick<VerifyQuery, 'ref' | 'pool'>,
  call: CallOptions,
  signal: AbortSignal,
): Promise<NonNullable<VerifyReport['deep']>> {
  const found: NonNullable<VerifyReport['deep']> = { objects: 0, bytes: 0, unreadable: 0, worst: [] };
  for await (const { entry } of objects.current(query, signal)) {
    const { name, objectId, manifestHolders } = entry;
    try {
      const hasher = blake3Hasher();
      let bytes = 0;
      const { read } = await objects.open(
        objectId,
        manifestHolders,
        `the manifest of ${JSON.stringify(name)}`,
        signal,
      );
      for await (const piece of read()) {
        hasher.update(piece);
        bytes += piece.length;
        found.bytes += piece.length;
        call.onProgress?.({ doneBytes: found.bytes, totalBytes: undefined, doneItems: found.objects });
      }
      if (bytes !== entry.sizeBytes || bytesToHex(hasher.digest()) !== entry.contentHash) {
        throw new DatameshError('hash-mismatch', { what: 'it is not what was stored' });
      }
    } catch (error) {
      signal.throwIfAborted();
      found.unreadable++;
      call.onLine?.(`${name} cannot be read: ${asDatameshError(error).message}`, 'error');
      if (found.worst.length < LISTED) {
        found.worst.push({ name, objectId, reason: asDatameshError(error).message });
      }
    }
    found.objects++;
  }
  return found;
}
