/**
 * What goes over the wire as each release wrote it: test/golden/release/wire-VERSION.json, bytes and what they say. The present code must read all of them as they were meant, and, of its own
 * version, write the same bytes. GOLDEN_WRITE=1 writes those of the present version; read the diff.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../../src/version.ts';
import { wireSamples } from './wire-samples.ts';

const GOLDEN = fileURLToPath(new URL('../../golden/release/', import.meta.url));

interface Sample {
  name: string;
  hex: string;
  says: unknown;
}

/** As JSON keeps it, bytes as hex. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, it: unknown) => {
      if (it instanceof Uint8Array) return `hex:${Buffer.from(it).toString('hex')}`;
      const buffer = it as { type?: unknown; data?: unknown } | null;
      if (buffer?.type === 'Buffer' && Array.isArray(buffer.data))
        return `hex:${Buffer.from(buffer.data as number[]).toString('hex')}`;
      return it instanceof Map ? [...it] : it;
    }) ?? 'null',
  );

describe('messages', () => {
  const present: Sample[] = wireSamples.map(({ name, bytes, read }) => ({
    name,
    hex: Buffer.from(bytes).toString('hex'),
    says: plain(read(bytes)),
  }));

  it.runIf(process.env.GOLDEN_WRITE === '1')('of this version are written', () => {
    writeFileSync(`${GOLDEN}wire-${VERSION}.json`, `${JSON.stringify(present, null, 1)}\n`);
  });

  it('of this version are written as they were', () => {
    const kept = JSON.parse(readFileSync(`${GOLDEN}wire-${VERSION}.json`, 'utf8')) as Sample[];
    expect(present).toEqual(kept);
  });

  const releases = readdirSync(GOLDEN).flatMap((name) => /^wire-(.+)\.json$/.exec(name)?.[1] ?? []);
  it.each(releases)('of release %s are read as they were meant', (version) => {
    const kept = JSON.parse(readFileSync(`${GOLDEN}wire-${version}.json`, 'utf8')) as Sample[];
    const readers = new Map(wireSamples.map(({ name, read }) => [name, read]));
    expect(kept.length).toBeGreaterThan(20);
    for (const { name, hex, says } of kept) {
      const read = readers.get(name);
      expect(read, `nobody reads ${name} any more`).toBeDefined();
      expect(plain(read!(new Uint8Array(Buffer.from(hex, 'hex')))), name).toEqual(says);
    }
  });
});
