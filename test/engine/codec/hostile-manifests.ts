/** Manifests made to cost: by size, by what they claim, by nesting, by counts; some properly signed. */
import { ManifestEnvelope, ManifestLayout } from '../../../src/engine/codec/generated/manifest.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../src/engine/codec/manifest.ts';
import { inputOf, owner } from './manifest-samples.ts';

export interface HostileManifest {
  name: string;
  make(): Uint8Array;
  /** What the reader says; `accepted` where it is only large. */
  outcome: string;
}

const MIB = 1024 * 1024;
const HEAD = Buffer.from('DMM\x01');
const nothing = new Uint8Array(0);
const layout = (over: Partial<ManifestLayout>): ManifestLayout => ({
  k: 4,
  m: 2,
  chunkBytes: 262_144,
  stripeCount: 1,
  owner: nothing,
  peers: [],
  stripes: nothing,
  packing: 0,
  ...over,
});
const RECORD_BYTES = 4 + 6 * 34;

export function hostileManifests(): HostileManifest[] {
  return [
    {
      name: '1 KiB that claims 4 billion stripes of 64 MiB',
      make: () =>
        sign(
          layout({ stripeCount: 2 ** 32 - 1, chunkBytes: 64 * MIB, stripes: new Uint8Array(RECORD_BYTES) }),
        ),
      outcome: 'malformed-data',
    },
    {
      name: '65,536 stripes without a table',
      make: () => sign(layout({ stripeCount: 65_536, chunkBytes: 64 * MIB })),
      outcome: 'malformed-data',
    },
    {
      name: 'a table of 15 MiB of zeros',
      make: () => sign(layout({ stripeCount: 60_000, stripes: new Uint8Array(60_000 * RECORD_BYTES) })),
      outcome: 'malformed-data',
    },
    {
      name: '15 MiB of empty peer names',
      make: () => wrapped(10, Buffer.alloc(15 * MIB, Buffer.from([50, 0]))),
      outcome: 'malformed-data',
    },
    {
      name: '16 MiB of empty recipients',
      make: () => filled(Buffer.from([26, 0])),
      outcome: 'malformed-data',
    },
    { name: '16 MiB of opening groups', make: () => filled(Buffer.from([0x0b])), outcome: 'malformed-data' },
    {
      name: '16 MiB of unknown fields',
      make: () => filled(Buffer.from([0x98, 0x06, 0x01])),
      outcome: 'malformed-data',
    },
    {
      name: 'a field that claims 2^63 bytes',
      make: () => Buffer.concat([HEAD, Buffer.from([10]), Buffer.alloc(9, 0xff), Buffer.from([0x7f])]),
      outcome: 'malformed-data',
    },
    { name: '17 MiB', make: () => Buffer.alloc(17 * MIB, HEAD), outcome: 'malformed-data' },
    {
      name: 'the largest that is lawful: 60,000 stripes on seven peers',
      make: () => encodeManifest(inputOf(60_000, { chunkBytes: 1 })),
      outcome: 'accepted',
    },
  ];
}

function filled(unit: Buffer): Uint8Array {
  return Buffer.concat([HEAD, Buffer.alloc(16 * MIB - HEAD.length, unit)]);
}

function wrapped(tag: number, body: Uint8Array): Uint8Array {
  const length = [];
  let rest = body.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([HEAD, Uint8Array.of(tag, ...length, rest), body, Buffer.from([18, 0, 34, 0])]);
}

/** A manifest with that layout, properly signed by an owner who means harm. */
function sign(layout: ManifestLayout): Uint8Array {
  const whole = ManifestEnvelope.decode(encodeManifest(inputOf(300_000)).subarray(HEAD.length));
  const ownerKey = new Uint8Array(Buffer.from(owner.ownerId, 'hex'));
  const encoded = ManifestLayout.encode({ ...layout, owner: ownerKey });
  const message = Buffer.concat([Buffer.from('datamesh/manifest/1\n'), blake3(encoded), blake3(whole.box)]);
  const signature = new Uint8Array(owner.sign(message));
  return Buffer.concat([HEAD, ManifestEnvelope.encode({ ...whole, layout: encoded, signature })]);
}
