/**
 * A node that puts, deletes and renames until it is killed. Says by lines what it is about to do and what was acknowledged; before that it holds what it finds against what it is
 * told was acknowledged, reads every byte of it, and does the step again that was cut short.
 *
 *   node names-entry.ts DIR SEED, and on standard input {"state": …, "step": … or null}
 */
import { text } from 'node:stream/consumers';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import { openEngine } from '../../../src/engine/local.ts';
import { dataPaths } from '../../../src/engine/options.ts';
import { pattern } from '../codec/reference.ts';
import { seeded } from '../shardstore/shards.ts';
import { applied, canonical, contentOf, lawful, type NamesState, type Step } from './names-model.ts';

const NAMES = ['a', 'b', 'dir/c', 'dir/d', 'é'];
const MAX_VERSIONS = 5;
const [dir, seedText] = process.argv.slice(2);
const told = JSON.parse(await text(process.stdin)) as { state: NamesState; step: Step | null };
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const keyring = await openKeyring(
  { disk: realDisk(), random: realRandom(), clock: realClock() },
  dataPaths(dir!).keyring,
);
if (keyring.list().length === 0) await keyring.create('main');

const engine = await openEngine({
  name: 'k',
  dataDir: dir!,
  role: 'regular',
  mode: 'embedded',
  network: { name: 'kill', preset: 'local', port: 0, bootstrap: [], zone: undefined, rack: undefined },
  storage: { quotaBytes: 2 ** 30, reserveFraction: 0 },
  reads: { cacheBytes: 0, cacheTtlMs: 0 },
  code: { k: 1, m: 0 },
  access: { mode: 'open', allow: [], deny: [] },
  bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
  passphrase: undefined,
});

async function run(step: Step): Promise<void> {
  switch (step.do) {
    case 'put': {
      const source = (async function* () {
        yield pattern(step.size, step.seed);
      })();
      await engine.put(source, { name: step.name, sizeBytes: step.size });
      return;
    }
    case 'hide':
      await engine.names.hide(step.name);
      return;
    case 'undelete':
      await engine.names.undelete(step.name);
      return;
    case 'purge':
      await engine.delete(step.name);
      return;
    case 'rename':
      await engine.names.rename(step.name, step.to);
      return;
    case 'copy':
      await engine.names.duplicate(step.name, step.to);
      return;
    case 'tag':
      await engine.names.tag(step.name, { add: [step.tag] });
      return;
  }
}

/** What the node has, by reading all of it. */
async function found(known: readonly string[]): Promise<NamesState> {
  const state: NamesState = {};
  const byHash = new Map<string, string>();
  for (const content of known) {
    const [seed, size] = content.split('/').map(Number) as [number, number];
    byHash.set(Buffer.from(pattern(size, seed)).toString('base64'), content);
  }
  const listed = [await engine.list(), await engine.list({ deleted: true })].flatMap(
    ({ objects }) => objects,
  );
  for (const { name } of listed) {
    const { versions } = await engine.names.versions(name);
    const contents: string[] = [];
    for (const { version } of versions) {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await engine.get(name, { version })).body)
        pieces.push(Uint8Array.from(piece));
      contents.push(
        byHash.get(Buffer.concat(pieces).toString('base64')) ?? `unknown bytes in version ${version}`,
      );
    }
    state[name] = { deleted: versions[0]!.state === 'deleted', versions: contents, tags: versions[0]!.tags };
    if (versions[0]!.state === 'old') state[name].versions.unshift('no head');
  }
  return state;
}

const cut = told.step ?? undefined;
const contents = Object.values(told.state).flatMap(({ versions }) => versions);
if (cut?.do === 'put') contents.push(contentOf(cut.seed, cut.size));
const here = await found(contents);
if (!lawful(told.state, cut).some((state) => canonical(state) === canonical(here))) {
  say({ lie: { told, here } });
  process.exit(1);
}
let state = here;
const next = cut && applied(state, cut);
if (cut !== undefined && next !== undefined && canonical(state) !== canonical(next)) {
  await run(cut);
  const again = await found(contents);
  if (canonical(again) !== canonical(next)) {
    say({ lie: { told, here, again } });
    process.exit(1);
  }
  state = again;
}
say({ ready: state });

const fraction = seeded(Number(seedText));
const any = <T>(items: readonly T[]): T => items[Math.floor(fraction() * items.length)]!;
for (let seed = Number(seedText) * 1_000; ; seed++) {
  const kind = any([
    'put',
    'put',
    'put',
    'hide',
    'undelete',
    'purge',
    'rename',
    'rename',
    'copy',
    'tag',
  ] as const);
  const name = any(NAMES);
  const size = any([24, 100, 3_000, 9_000, 40_000]);
  const step: Step =
    kind === 'put'
      ? { do: kind, name, seed, size }
      : kind === 'rename' || kind === 'copy'
        ? { do: kind, name, to: any(NAMES) }
        : kind === 'tag'
          ? { do: kind, name, tag: `t${seed % 7}` }
          : { do: kind, name };
  const after = applied(state, step);
  if (after === undefined || ('to' in step && step.to === name)) continue;
  if (Object.values(after).some(({ versions }) => versions.length > MAX_VERSIONS)) continue;
  say({ step });
  await run(step);
  say({ done: true });
  state = after;
}
