import { createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hkdfExpand, hkdfExtract, hmacKey, hmacSha256 } from '../../../src/engine/keys/hkdf.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('RFC 5869, appendix A.1 and A.3', () => {
  const ikm = Buffer.alloc(22, 0x0b);
  const salt = Buffer.from('000102030405060708090a0b0c', 'hex');
  const info = Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex');
  expect(hex(hkdfExpand(hkdfExtract(salt, ikm), info, 42))).toBe(
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  const none = new Uint8Array(0);
  expect(hex(hkdfExpand(hkdfExtract(none, ikm), none, 42))).toBe(
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
});

test('whatever the lengths, the same as node:crypto', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 300 }), (ikm, salt, info, length) => {
      const theirs = Buffer.from(hkdfSync('sha256', ikm, salt, info, length));
      expect(hex(hkdfExpand(hkdfExtract(salt, ikm), info, length))).toBe(theirs.toString('hex'));
      expect(hex(hmacSha256(hmacKey(salt), ikm, info))).toBe(
        createHmac('sha256', salt).update(ikm).update(info).digest('hex'),
      );
    }),
  );
});
