import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { signAnswers } from '../../../../src/engine/maintenance/proof/attestation.ts';
import { checkProof, proofLine } from '../../../../src/engine/maintenance/proof/document.ts';
import type { ShardId } from '../../../../src/engine/types.ts';
import { asDatameshError } from '../../../../src/errors.ts';
import { MemoryMesh } from '../../../support/memory-mesh.ts';
import { type StoredProof, storedProof } from '../../../support/stored-proof.ts';

async function* inPieces(bytes: Uint8Array, pieceBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
const check = (lines: readonly string[]) => checkProof(inPieces(Buffer.from(lines.join(''))));
const codeOf = (lines: readonly string[]) =>
  check(lines).then(
    () => 'accepted',
    (error: unknown) => asDatameshError(error).code,
  );
const REFUSED = /^(?:malformed-data|not-authentic|format-too-new)$/;

let mesh: MemoryMesh;
let proof: StoredProof;
beforeAll(async () => {
  mesh = new MemoryMesh(7);
  proof = await storedProof(mesh, 9_000_000);
});

test('a proof of a whole object says so, with who proved what and when', async () => {
  const found = await check(proof.lines);
  const manifest = decodeManifest(proof.manifest);
  expect(found).toMatchObject({
    objectId: proof.objectId,
    ownerId: mesh.owner.ownerId,
    code: { k: 4, m: 2 },
    stripeCount: manifest.stripeCount,
    state: 'ok',
    spare: 2,
    shardsExpected: manifest.stripeCount * 6 + 3,
    shardsProved: mesh.shardCount(),
    firstSignedAtMs: 1_700_000_000_000,
    lastSignedAtMs: 1_700_000_000_000,
  });
  expect(found.stripes.spare2).toBe(manifest.stripeCount);
  expect(found.holders.reduce((sum, { shards }) => sum + shards, 0)).toBe(mesh.shardCount());
});

test('without the lines of a holder it shows less, never more', async () => {
  const [head, ...lines] = proof.lines;
  const all = (await check(proof.lines)).shardsProved;
  for (const left of [[], lines.slice(1), lines.slice(2), lines.slice(0, 1)]) {
    const found = await check([head!, ...left]);
    expect(found.shardsProved).toBeLessThan(all);
    expect(found.state).not.toBe('ok');
  }
  expect(await check([head!])).toMatchObject({ state: 'lost', spare: -4, firstSignedAtMs: undefined });
  // Twice the same is once.
  expect((await check([...proof.lines, ...lines])).shardsProved).toBe(all);
});

describe('what was changed is refused', () => {
  test('each field of each line', async () => {
    for (const [number, text] of proof.lines.entries()) {
      const line = JSON.parse(text) as Record<string, unknown>;
      const other = JSON.parse(proof.lines[number === 1 ? 2 : 1]!) as Record<string, unknown>;
      const changes: [field: string, value: unknown][] = Object.keys(line).map((field) => {
        const value = line[field];
        if (typeof value === 'number') return [field, value + 1];
        if (Array.isArray(value)) return [field, value.slice(1)];
        const swapped = other[field] ?? `${value as string}A`;
        return [field, swapped === value ? `${value as string}0` : swapped];
      });
      changes.push(['more', 1]);
      for (const [field, value] of changes) {
        const changed = proof.lines.with(number, `${JSON.stringify({ ...line, [field]: value })}\n`);
        expect(await codeOf(changed), `line ${number}, ${field}`).toMatch(REFUSED);
      }
      for (const field of Object.keys(line)) {
        const { [field]: _gone, ...rest } = line;
        const changed = proof.lines.with(number, `${JSON.stringify(rest)}\n`);
        expect(await codeOf(changed), `line ${number} without ${field}`).toMatch(REFUSED);
      }
    }
  });

  test('any one byte', async () => {
    const whole = Buffer.from(proof.lines.slice(0, 3).join(''));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= flip;
        await expect(checkProof(inPieces(bytes))).rejects.toMatchObject({
          code: expect.stringMatching(REFUSED) as string,
        });
      }),
      { numRuns: 300 },
    );
  });

  test('a cut within a line, at any place', async () => {
    const whole = Buffer.from(proof.lines.slice(0, 3).join(''));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        if (whole[length - 1] === 0x0a) return;
        await expect(checkProof(inPieces(whole.subarray(0, length)))).rejects.toMatchObject({
          code: 'malformed-data',
        });
      }),
      { numRuns: 50 },
    );
  });

  test('another object’s manifest, or another object’s proofs', async () => {
    const other = await storedProof(mesh, 100_000);
    expect(await codeOf([other.lines[0]!, ...proof.lines.slice(1)])).toBe('not-authentic');
    expect(await codeOf([...proof.lines, other.lines[1]!])).toBe('not-authentic');
  });
});

test('what a holder signs that is not true is refused as well', async () => {
  const node = mesh.nodes[0]!;
  const nonce = new Uint8Array(32);
  const ids = [[...node.shards.keys()][0]!];
  for (const answer of [
    new Uint8Array(4),
    new Uint8Array(4 + 1),
    Buffer.concat([Uint8Array.of(0, 0, 0, 9), new Uint8Array(9)]),
  ]) {
    const lie = signAnswers(node.attester, node.peer, ids, nonce, [Uint8Array.from(answer)]);
    expect(await codeOf([proof.lines[0]!, proofLine(lie, ids, nonce)])).toMatch(REFUSED);
  }
  const stranger = signAnswers(node.attester, node.peer, ['ab'.repeat(32) as ShardId], nonce, [undefined]);
  expect(await codeOf([proof.lines[0]!, proofLine(stranger, ['ab'.repeat(32) as ShardId], nonce)])).toBe(
    'not-authentic',
  );
  // A node speaks for its folders, and for no other node.
  const borrowed = signAnswers(node.attester, mesh.nodes[1]!.peer, ids, nonce, [undefined]);
  expect(await codeOf([proof.lines[0]!, proofLine(borrowed, ids, nonce)])).toBe('not-authentic');
});

describe('hostile files', () => {
  test('what is no proof file is refused, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ maxLength: 400 }), fc.json()), async (text) => {
        expect(await codeOf([`${text}\n`])).toMatch(REFUSED);
        expect(await codeOf([proof.lines[0]!, `${text}\n`])).toMatch(REFUSED);
      }),
      { numRuns: 200 },
    );
    expect(await codeOf([])).toBe('malformed-data');
    expect(await codeOf([proof.lines[0]!.replace('"version":1', '"version":2')])).toBe('format-too-new');
  });

  test('a line without end is refused long before the memory is full', async () => {
    let read = 0;
    const endless = async function* () {
      yield Buffer.from(proof.lines[0]!);
      for (;;) {
        read += 65_536;
        yield new Uint8Array(65_536).fill(0x61);
      }
    };
    await expect(checkProof(endless())).rejects.toMatchObject({ code: 'malformed-data' });
    expect(read).toBeLessThan(3 * 1024 * 1024);
  });
});
