import { expect, it } from 'vitest';
import type { Manifest } from '../../../src/engine/codec/manifest.ts';
import { ManifestCache } from '../../../src/engine/transfer/manifest-cache.ts';
import type { ObjectId } from '../../../src/engine/types.ts';

const id = (n: number) => String(n) as ObjectId;
const manifest = (bytes: number) =>
  ({ sealed: { box: new Uint8Array(bytes) }, stripeCount: 0, code: { k: 4, m: 2 } }) as unknown as Manifest;

it('holds what was used last, within its bound', () => {
  const cache = new ManifestCache(10_000);
  for (let n = 0; n < 4; n++) cache.add(id(n), manifest(0));
  expect(cache.get(id(0))).toBeDefined();
  cache.add(id(4), manifest(0));
  expect([0, 1, 2, 3, 4].map((n) => cache.get(id(n)) !== undefined)).toEqual([true, false, true, true, true]);
});

it('holds one that is larger than its bound, alone: each shard of the object asks for it', () => {
  const cache = new ManifestCache(10_000);
  cache.add(id(1), manifest(0));
  cache.add(id(2), manifest(50_000));
  expect(cache.get(id(1))).toBeUndefined();
  expect(cache.get(id(2))).toBeDefined();
  cache.add(id(3), manifest(0));
  expect(cache.get(id(2))).toBeUndefined();
  expect(cache.get(id(3))).toBeDefined();
});
