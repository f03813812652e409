import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  batchSignatureBytes,
  MAX_BATCH_SIGNATURE_BYTES,
  MAX_SIGNED_TOGETHER,
  signTogether,
  verifyTogether,
} from '../../../src/engine/keys/batch-signature.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { hexToBytes } from '../../../src/engine/types.ts';

const owner = deriveOwner(`${'abandon '.repeat(23)}art`, 'main');
const key = hexToBytes(owner.ownerId);
const message = (n: number) => Buffer.from(`message ${n}`);
const messages = (count: number) => Array.from({ length: count }, (_, n) => message(n));

test('each message of a batch is verified by itself, whatever the size of the batch', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), (count) => {
      const signatures = signTogether(messages(count), owner.sign);
      signatures.forEach((signature, n) => {
        expect(batchSignatureBytes(signature)).toBe(signature.length);
        expect(verifyTogether(key, message(n), signature)).toBe(true);
        expect(verifyTogether(key, message(n + 1), signature)).toBe(false);
      });
    }),
    { numRuns: 40 },
  );
});

test('the largest batch fits, a larger one and an empty one do not', () => {
  const signatures = signTogether(messages(MAX_SIGNED_TOGETHER), owner.sign);
  expect(Math.max(...signatures.map(({ length }) => length))).toBe(MAX_BATCH_SIGNATURE_BYTES);
  expect(verifyTogether(key, message(777), signatures[777]!)).toBe(true);
  expect(() => signTogether(messages(MAX_SIGNED_TOGETHER + 1), owner.sign)).toThrow(RangeError);
  expect(() => signTogether([], owner.sign)).toThrow(RangeError);
});

test('one batch costs one signature', () => {
  let signed = 0;
  signTogether(messages(100), (bytes) => {
    signed++;
    return owner.sign(bytes);
  });
  expect(signed).toBe(1);
});

test('no changed byte, no missing and no further one is believed, after the right one was', () => {
  const signature = signTogether(messages(11), owner.sign)[10]!;
  expect(verifyTogether(key, message(10), signature)).toBe(true);
  for (let at = 0; at < signature.length; at++) {
    const changed = Uint8Array.from(signature);
    changed[at]! ^= 1 + (at % 255);
    expect(verifyTogether(key, message(10), changed), `byte ${at}`).toBe(false);
  }
  for (let length = 0; length < signature.length; length++)
    expect(verifyTogether(key, message(10), signature.subarray(0, length)), `${length} bytes`).toBe(false);
  expect(verifyTogether(key, message(10), Buffer.concat([signature, Uint8Array.of(0)]))).toBe(false);
  const other = deriveOwner(`${'zoo '.repeat(23)}vote`, 'other');
  expect(verifyTogether(hexToBytes(other.ownerId), message(10), signature)).toBe(false);
});

test('a node of the tree is no message', () => {
  const [first] = signTogether(messages(2), owner.sign);
  // Index 0 of 1 with the root in place of a message: what stands for a leaf is hashed as one.
  const short = Buffer.concat([Uint8Array.of(0, 0, 0, 1), first!.subarray(first!.length - 64)]);
  expect(verifyTogether(key, first!.subarray(4, 36), short)).toBe(false);
});

test('the format does not change', () => {
  const signature = Buffer.from(signTogether(messages(3), owner.sign)[2]!).toString('hex');
  expect(signature).toMatchInlineSnapshot(
    `"000200030595a5cd2ac0e28b4a89d0804d28153f675a9943518aa37c68c15bed0041cd98e06455cc464f8609749bb723f5506fe7ffadee00ab1ea4e34d197b49a5c163921563f6a6fbceb000db5b12cea4e3c874274e1f2fafe5b483badcee624babbf07"`,
  );
});
