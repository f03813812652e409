/**
 * The proof file: a manifest, and what holders of its shards signed. Everything in it is under some signature or hash, so that it is checked without a node,
 * a network or a key, and no byte of it can be another. docs/FORMATS.md "Proof file".
 */
import { DatameshError } from '../../../errors.ts';
import { blake3 } from '../../codec/hash.ts';
import { decodeManifest } from '../../codec/manifest.ts';
import { MAX_MANIFEST_BYTES } from '../../codec/manifest-limits.ts';
import { bytesToHex, isHexId, type ObjectId, objectIdOf, type PeerId, type ShardId } from '../../types.ts';
import type { ProofCheck } from '../../views/proofs.ts';
import { addSpare, noStripes, spareOf, stateOf } from '../census.ts';
import { copiesOf, LiveShards } from '../census-ask.ts';
import { censusGroups } from '../groups.ts';
import { type Attestation, verdictsOf } from './attestation.ts';
import { decodeAnswers, encodeAnswers, MAX_PROOF_IDS } from './challenge.ts';

const FORMAT = 'datamesh-proof';
const VERSION = 1;
/** A manifest in base64, and the line around it. */
const MAX_HEAD_CHARACTERS = Math.ceil(MAX_MANIFEST_BYTES / 3) * 4 + 1024;
/** 256 slices of the largest shards in base64, and as many ids. */
const MAX_LINE_CHARACTERS = 2 * 1024 * 1024;
/** As many as a manifest names. */
const MAX_HOLDERS = 4096;

interface Head {
  format: string;
  version: number;
  objectId: ObjectId;
  /** Base64. */
  manifest: string;
}

interface Line {
  holder: PeerId;
  signer: PeerId;
  signedAtMs: number;
  /** Hex. */
  nonce: string;
  signature: string;
  shards: ShardId[];
  /** Base64. */
  answers: string;
}

export function proofHead(objectId: ObjectId, manifest: Uint8Array): string {
  const head: Head = {
    format: FORMAT,
    version: VERSION,
    objectId,
    manifest: Buffer.from(manifest).toString('base64'),
  };
  return `${JSON.stringify(head)}\n`;
}

export function proofLine(attestation: Attestation, ids: readonly ShardId[], nonce: Uint8Array): string {
  const line: Line = {
    holder: attestation.holder,
    signer: attestation.signer,
    signedAtMs: attestation.signedAtMs,
    nonce: bytesToHex(nonce),
    signature: bytesToHex(attestation.signature),
    shards: [...ids],
    answers: Buffer.from(encodeAnswers(attestation.answers)).toString('base64'),
  };
  return `${JSON.stringify(line)}\n`;
}

/**
 * Checks a proof file from end to end. Throws `malformed-data` for what is none, `not-authentic` for one in which anything was changed or made up,
 * `format-too-new`.
 */
export async function checkProof(source: AsyncIterable<Uint8Array>): Promise<ProofCheck> {
  const lines = linesOf(source);
  const first = await lines.next();
  if (first.done) throw malformed('it is empty');
  const { objectId, manifest } = readHead(first.value);
  // Of its copies the manifest cannot name the holders: whoever has one counts.
  const groups = censusGroups(objectId, [], manifest);
  // Ids of sealed stripes repeat within a stripe at most (padding), so no group takes another's place.
  const wanted = new Map(groups.flatMap((group) => [...copiesOf(group)]));
  const live = new LiveShards();
  const holders = new Map<PeerId, ProofCheck['holders'][number]>();
  const noted = new Set(manifest.peers);
  let firstSignedAtMs: number | undefined;
  let lastSignedAtMs: number | undefined;
  for await (const text of lines) {
    const { attestation, ids, nonce } = readLine(text);
    const { holder, signer, signedAtMs } = attestation;
    if (ids.some((id) => !wanted.has(id))) throw forged('it speaks of shards that the object has not');
    const verdicts = verdictsOf(attestation, holder, ids, nonce);
    if (verdicts.includes('wrong')) throw forged('what a holder is said to have signed, it has not');
    let known = holders.get(holder);
    if (known === undefined) {
      if (holders.size >= MAX_HOLDERS) throw malformed(`it names more than ${MAX_HOLDERS} holders`);
      holders.set(holder, (known = { holder, signer, shards: 0, noted: noted.has(holder) }));
    }
    for (const [at, id] of ids.entries()) {
      if (verdicts[at] !== 'proved' || live.has(holder, id)) continue;
      known.shards++;
      if (live.holdersOf(id).length < wanted.get(id)!) live.add(holder, id);
    }
    firstSignedAtMs = Math.min(firstSignedAtMs ?? signedAtMs, signedAtMs);
    lastSignedAtMs = Math.max(lastSignedAtMs ?? signedAtMs, signedAtMs);
  }
  const stripes = noStripes();
  let shardsExpected = 0;
  let shardsProved = 0;
  for (const [at, group] of groups.entries()) {
    const spare = spareOf(group, live);
    if (at > 0) addSpare(stripes, spare);
    shardsExpected += group.code.k + group.code.m;
    shardsProved += spare + group.code.k;
  }
  const { code, ownerId, stripeCount } = manifest;
  return {
    objectId,
    ownerId,
    code,
    stripeCount,
    ...stateOf(groups, live),
    stripes,
    shardsExpected,
    shardsProved,
    firstSignedAtMs,
    lastSignedAtMs,
    holders: [...holders.values()],
  };
}

function readHead(text: string) {
  const head = parsed<Head>(text);
  if (head.format !== FORMAT) throw malformed('it does not begin like one');
  if (typeof head.version === 'number' && head.version > VERSION) {
    throw new DatameshError('format-too-new', {
      what: `the proof file has version ${head.version}, this datamesh reads version ${VERSION}`,
      mend: 'update datamesh',
    });
  }
  if (typeof head.manifest !== 'string') throw malformed('it has no manifest');
  const bytes = new Uint8Array(Buffer.from(head.manifest, 'base64'));
  const objectId = objectIdOf(blake3(bytes));
  if (head.objectId !== objectId) throw forged('its manifest is not that of the object it names');
  if (text !== proofHead(objectId, bytes)) throw malformed('its first line is not written as it must be');
  return { objectId, manifest: decodeManifest(bytes) };
}

function readLine(text: string): { attestation: Attestation; ids: ShardId[]; nonce: Uint8Array } {
  const line = parsed<Line>(text);
  const { holder, signer, signedAtMs, shards } = line;
  const texts = [holder, signer, line.nonce, line.signature, line.answers];
  if (texts.some((value) => typeof value !== 'string') || !Array.isArray(shards)) throw notOurs();
  if (shards.length > MAX_PROOF_IDS || shards.some((id) => typeof id !== 'string' || !isHexId(id)))
    throw notOurs();
  if (!isHexId(line.nonce) || !Number.isSafeInteger(signedAtMs)) throw notOurs();
  const nonce = new Uint8Array(Buffer.from(line.nonce, 'hex'));
  const signature = new Uint8Array(Buffer.from(line.signature, 'hex'));
  const bytes = new Uint8Array(Buffer.from(line.answers, 'base64'));
  const answers = decodeAnswers(nonce, holder, shards, bytes);
  const attestation = { holder, signer, signedAtMs, signature, answers };
  // One way to write it: no field that nobody checks, no bits behind a base64.
  if (text !== proofLine(attestation, shards, nonce)) throw notOurs();
  return { attestation, ids: shards, nonce };
}

function parsed<T extends object>(text: string): Partial<T> & T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('a line of it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notOurs();
  return value as T;
}

/** Lines with their line feed. A file that ends within one was cut off. */
async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let characters = 0;
  let limit = MAX_HEAD_CHARACTERS;
  for await (const piece of source) {
    let from = 0;
    while (from < piece.length) {
      const found = piece.indexOf(0x0a, from);
      const end = found === -1 ? piece.length : found + 1;
      characters += end - from;
      if (characters > limit) throw malformed('a line of it is longer than any can be');
      parts.push(Uint8Array.from(piece.subarray(from, end)));
      from = end;
      if (found === -1) continue;
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      characters = 0;
      limit = MAX_LINE_CHARACTERS;
    }
  }
  if (parts.length > 0) throw malformed('it was cut off');
}

function notOurs(): DatameshError {
  return malformed('a line of it is not written as it must be');
}

function malformed(why: string): DatameshError {
  return new DatameshError('malformed-data', { what: 'this is no proof file, or a damaged one', why });
}

function forged(why: string): DatameshError {
  return new DatameshError('not-authentic', { what: 'the proof file proves nothing', why });
}
