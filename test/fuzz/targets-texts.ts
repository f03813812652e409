/** What people and their programs write: scripts, plans, answers, keys.json. And what is left of the formats on disk: packed chunks, the device key, states of files, pages of stripes. */
import { readPlan } from '../../src/batch/plan.ts';
import { decodeScript } from '../../src/batch/source.ts';
import { keysFromText } from '../../src/console/keys-file.ts';
import { StateReader, StateWriter } from '../../src/engine/backup/state-cache.ts';
import { shardBytesOf } from '../../src/engine/codec/aead.ts';
import { blake3, hashProvider } from '../../src/engine/codec/hash.ts';
import { packChunk, unpackChunk } from '../../src/engine/codec/packing.ts';
import { PageReader, PageWriter } from '../../src/engine/codec/stripe-pages.ts';
import type { Disk } from '../../src/engine/effects/disk.ts';
import { loadDevice, loadOrCreateDevice } from '../../src/engine/keys/device.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { parse } from '../../src/lang/parser.ts';
import { parseAnswers } from '../../src/wizard/headless.ts';
import { idOf } from '../engine/codec/manifest-samples.ts';
import { pattern } from '../engine/codec/reference.ts';
import { realRegistry } from '../support/registry.ts';
import { misplaced } from './lang-texts.ts';
import type { Target } from './targets.ts';

const refused = () => new DatameshError('bad-value', { what: 'nothing was read' });
const BAD = /^bad-value$/;
const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const plan = {
  format: 'datamesh-plan',
  version: 1,
  madeAt: '2026-11-23T03:21:54.107Z',
  script: 'delete f1\nput a.txt\n',
  variables: { X: 'x' },
  steps: [
    {
      ...{ line: 1, cmd: 'delete f1', command: 'delete', effects: 'destructive', key: 'ab'.repeat(16) },
      preconditions: [
        { kind: 'object', name: 'f1', objectId: idOf(1) },
        { kind: 'file', path: '/a.txt', sizeBytes: 5, mtimeMs: null },
      ],
    },
  ],
};

const pageCode = { k: 2, m: 1 };
const pageShape = { leafStripes: 2, fanOut: 2 };
const pageLengths = { maxBytes: shardBytesOf(4096, 2), same: true };
const stateKey = pattern(32, 8);
const folder = Buffer.from('/home');

export async function textTargets(): Promise<Target[]> {
  const registry = realRegistry();
  const { pages, paged } = await pagesOfFour();
  return [
    {
      name: 'command language',
      corpus: [
        "put report.pdf --tags 'a b' --json=name | where size > 5MiB | sort size -r > out.txt",
        'set X=1; get ${X:-y} - && list photos/** --sort size # end\ndelete "$X" --yes || exit 3',
        'pool create big --code 10+4 --domain zone \\\n --keep-age 90d\n\uff50\uff55\uff54 é',
      ].map(text),
      run: (input) => {
        const script = decodeScript(input);
        const { diagnostics, commands } = parse(script, {
          registry,
          env: { HOME: '/h' },
          variables: { X: 'x' },
        });
        const wrong = [...diagnostics, ...commands].find(({ span }) => misplaced(span, script));
        if (wrong !== undefined)
          throw new Error(`a place outside of the text: ${JSON.stringify(wrong.span)}`);
        if (diagnostics.length > 0) throw refused();
      },
      refusals: /^(bad-value|syntax|input-too-large)$/,
    },
    {
      name: 'batch plan',
      corpus: [text(plan), text({ ...plan, steps: [] })],
      run: (input) => {
        const { steps } = readPlan(utf8(input), 'x');
        for (const { preconditions } of steps)
          for (const it of preconditions)
            if (typeof (it.kind === 'object' ? it.name : it.path) !== 'string') throw new Error('of nothing');
      },
      refusals: /^(bad-value|format-too-new)$/,
    },
    {
      name: 'answers to the wizard',
      corpus: [text({ name: 'alder', quota: '50GiB', bootstrap: ['/ip4/10.0.0.1/tcp/1'], reserve: 10 })],
      run: (input) => void parseAnswers({ name: 'x', text: utf8(input) }),
      refusals: /^(bad-value|unknown-option)$/,
    },
    {
      name: 'keys.json',
      corpus: [
        text({ pause: 'Ctrl-O', 'select-next': ['Down', 'j'], undo: ['Ctrl-_', 'Ctrl-X u'], suspend: [] }),
      ],
      run: (input) => {
        if (keysFromText(utf8(input)).problems.length > 0) throw refused();
      },
      refusals: BAD,
    },
    {
      name: 'packed chunk',
      corpus: [packChunk(pattern(3000, 1), 4), packChunk(Buffer.alloc(3000, 'abc'), 4)],
      run: (input) => void unpackChunk(input, 3000),
      refusals: /^malformed-data$/,
    },
    {
      name: 'device key',
      corpus: [await deviceFile()],
      run: async (input) => {
        const disk = { stat: async () => ({ kind: 'file', mode: 0o600, sizeBytes: input.length }) };
        await loadDevice({ ...disk, readFile: async () => input } as unknown as Disk, 'x');
      },
      refusals: /^(malformed-data|format-too-new)$/,
    },
    {
      name: 'states of files',
      corpus: [states()],
      // With the keyed hash that fits: without it nothing is looked at.
      forge: (mutated) => {
        const body = mutated.subarray(0, Math.max(0, mutated.length - 32));
        return Buffer.concat([body, hashProvider().keyed(stateKey, body)]);
      },
      forgeEvery: 1,
      run: (input) => {
        const reader = StateReader.open(input, folder, stateKey);
        const found = ['a', 'b'].map((name) => reader.at(Buffer.from(name)));
        if (found.every((it) => it === undefined)) throw refused();
      },
      refusals: /^(bad-value|malformed-data)$/,
    },
    {
      name: 'pages of stripes',
      corpus: pages,
      run: async (input) => {
        // Each page in its place, and the root says its hash: it was signed by somebody who means harm.
        const root = Buffer.concat([
          Buffer.from(blake3(input)),
          Buffer.alloc(4, 0),
          Buffer.from(paged.root).subarray(36),
        ]);
        const reader = new PageReader({ ...paged, root }, async () => input, pageShape);
        await reader.stripe(1);
      },
      refusals: /^(malformed-data|hash-mismatch)$/,
    },
  ];
}

async function deviceFile(): Promise<Uint8Array> {
  let written: Uint8Array = new Uint8Array(0);
  const disk = {
    stat: async () => undefined,
    writeFileAtomic: async (_path: string, bytes: Uint8Array) => void (written = bytes),
  } as unknown as Disk;
  await loadOrCreateDevice(disk, 'x', { bytes: (length: number) => pattern(length, 3) } as never);
  return written;
}

function states(): Uint8Array {
  const writer = new StateWriter(folder, stateKey);
  for (const path of ['a', 'b']) {
    writer.add(
      { ctimeNs: 5n, inode: 7n },
      {
        ...{ kind: 'file', path: Buffer.from(path), target: Buffer.alloc(0), mode: 0o644, uid: 0, gid: 0 },
        ...{ mtimeNs: -5n, sizeBytes: 10, sparse: false },
        segments: [{ id: Buffer.from(pattern(32, 2)), lengthBytes: 10 }],
      },
    );
  }
  return writer.end();
}

/** The leaves of a tree of four stripes, and what its root says. */
async function pagesOfFour() {
  const pages: Uint8Array[] = [];
  const peer = '12D3KooWPeer1' as PeerId;
  const writer = new PageWriter(
    pageCode,
    async (bytes) => {
      pages.push(bytes);
      return [peer, peer];
    },
    pageShape,
  );
  for (let index = 0; index < 4; index++)
    await writer.add({
      shardBytes: pageLengths.maxBytes,
      ids: [idOf(index), idOf(index + 10), idOf(index + 20)],
      holders: [peer, undefined, peer],
    });
  const { stripeCount, peers, root } = await writer.end();
  return { pages, paged: { code: pageCode, stripeCount, lengths: pageLengths, peers, root } };
}
