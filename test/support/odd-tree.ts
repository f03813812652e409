/** A tree of files with everything in it that a backup has to keep: for tests and benchmarks. The same seed, the same tree. */
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface OddTreeOptions {
  files: number;
  /** Average length of the ordinary files. */
  averageBytes: number;
  seed?: number;
}

/** Numbers from 0 to 2^32 - 1 (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Bytes that do not shrink. */
export function noise(next: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(next(), at);
  return bytes.subarray(0, length);
}

const ODD_NAMES: readonly (string | Buffer)[] = [
  'with space',
  ' leading and trailing ',
  'new\nline',
  'tab\there',
  'quote\'"`',
  '-rf',
  '*glob?[x]',
  'back\\slash',
  '$(echo no)',
  'übermäßig-größe',
  'e\u0301 is not \u00e9',
  '日本語',
  '🙂🧵',
  '\u202egnp.exe',
  'con',
  '...',
  'x'.repeat(255),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from('caf\xe9', 'latin1'),
  Buffer.from([0x01, 0x7f, 0xc3, 0x28]),
];

/** Makes `root` and fills it: ordinary files in folders, and an `odd` folder. */
export function makeOddTree(root: string, options: OddTreeOptions): void {
  const next = numbers(options.seed ?? 1);
  fs.mkdirSync(root, { recursive: true });
  const perFolder = 40;
  for (let file = 0; file < options.files; file++) {
    const folder = join(
      root,
      `group-${Math.floor(file / (perFolder * 25))}`,
      `folder-${Math.floor(file / perFolder)}`,
    );
    if (file % perFolder === 0) fs.mkdirSync(folder, { recursive: true });
    // Between nothing and twice the average.
    const bytes = noise(next, next() % (2 * options.averageBytes));
    fs.writeFileSync(join(folder, `file-${file}.bin`), bytes, { mode: file % 7 === 0 ? 0o755 : 0o644 });
  }
  makeOddFolder(join(root, 'odd'), next);
}

function makeOddFolder(folder: string, next: () => number): void {
  fs.mkdirSync(folder);
  const at = (name: string | Buffer) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  for (const [i, name] of ODD_NAMES.entries()) {
    if (i % 4 === 3) {
      fs.mkdirSync(at(name));
      fs.writeFileSync(Buffer.concat([at(name), Buffer.from('/inside')]), noise(next, 100 + i));
    } else fs.writeFileSync(at(name), noise(next, 10 * i));
  }
  fs.writeFileSync(at('empty'), '');
  fs.mkdirSync(at('empty folder'));
  fs.mkdirSync(at('deep/'.repeat(40).slice(0, -1)), { recursive: true });
  fs.writeFileSync(at(`${'deep/'.repeat(40)}bottom`), 'bottom');
  fs.writeFileSync(at('large'), noise(next, 5_000_003));
  fs.linkSync(at('large'), at('large again'));
  fs.linkSync(at('large'), at('another name of large'));
  fs.symlinkSync('large', at('link'));
  fs.symlinkSync('/nowhere/at/all', at('dangling'));
  fs.symlinkSync('../../../../etc', at('leads out'));
  fs.symlinkSync('.', at('loop'));
  fs.symlinkSync(Buffer.from([0x66, 0xff]), at('link to odd bytes'));
  const sparse = fs.openSync(at('sparse'), 'w');
  fs.writeSync(sparse, noise(next, 70_000), 0, 70_000, 0);
  fs.writeSync(sparse, noise(next, 5000), 0, 5000, 20_000_000);
  fs.ftruncateSync(sparse, 50_000_000);
  fs.closeSync(sparse);
  const hollow = fs.openSync(at('only a hole'), 'w');
  fs.ftruncateSync(hollow, 3_000_001);
  fs.closeSync(hollow);
  fs.chmodSync(at('quote\'"`'), 0o400);
  fs.chmodSync(at('with space'), 0o4711);
  fs.chmodSync(at('empty folder'), 0o1777);
  fs.utimesSync(at('-rf'), 1, 1);
  fs.utimesSync(at('con'), new Date(-86_400_000), new Date(-86_400_000));
  fs.lutimesSync(at('link'), 1_000_000_000.123456, 1_000_000_000.123456);
  fs.utimesSync(at('empty folder'), 1_234_567_890.5, 1_234_567_890.5);
}
