/** What each example needs before it, what stands for the made-up names in it, and how it ends where that is not 0. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../src/errors.ts';
import { PEER_CASES } from './peer-cases.ts';
import { type ExampleHome, PASSPHRASE, type RunOptions, type Scene } from './scene.ts';
import { absent, deleted, poolNamed, present, root, snapshotOf } from './stock.ts';

export interface Setting {
  /** The example, its absolute paths below a folder of the test. */
  line: string;
  scene: Scene;
  home: ExampleHome;
}

export type Before = (setting: Setting) => Promise<string | undefined | void>;

export interface Case extends Pick<RunOptions, 'stopAfterMs'> {
  /** A home that the example may change; the mesh's own unless said. */
  home?: 'configured' | 'blank';
  /** Its exit status; 0 unless said. */
  status?: number;
  stdin?: (setting: Setting) => string | Promise<string>;
  /** May replace the line: ids that exist only now. */
  before?: Before;
  /** Only this program does the same as the line: what comes before and after belongs to another. */
  why?: string;
}

/** What cannot be run as it stands, and why. Each of these commands has tests of its own. */
export const NOT_RUN: Record<string, string> = {
  init: 'asks on a terminal; test/wizard and test/screen do it',
  console: 'takes over a terminal; test/screen and test/console do it',
  'console --attach': 'takes over a terminal',
  'console --plain': 'takes over a terminal',
  'config edit': 'opens an editor on a terminal; test/commands/care/config.test.ts does it',
  'config edit --config other.json': 'opens an editor on a terminal',
  'datamesh tutorial': 'asks on a terminal before each step',
  'datamesh tutorial --yes': 'does what the next one does',
  'datamesh service install': "changes this machine's service manager; service-install.test.ts does it",
  'datamesh service install --system --user mesh --config /etc/datamesh/config.json': 'needs root',
  'datamesh service uninstall': "changes this machine's service manager",
  'datamesh service uninstall --dry-run': 'needs one that is installed',
  'datamesh service uninstall --system': 'needs root',
  'datamesh demo': 'minutes of two cores; test/commands/start/demo.test.ts runs smaller ones',
  'datamesh demo holiday.mp4 --nodes 10 --kill 2': 'minutes of two cores',
  'datamesh demo --size 1GiB --kill 3 --json': 'minutes of two cores, and 6 GiB',
};

/** Of the line as written, pieces that are made shorter for the sake of the machine. */
export const SHORTER: readonly [line: string, from: string, to: string][] = [
  ['datamesh bandwidth --test-peer attic --duration 20s', '20s', '1s'],
  ['datamesh discover --seconds 20 --verbose', '20', '2'],
  ['datamesh benchmark', 'benchmark', 'benchmark --file-size 1MiB'],
  ['datamesh benchmark --file-size 4KiB --iterations 50', '50', '5'],
  // As much as any machine has to offer.
  ['init --yes --quota 50GiB --network lan', '50GiB', '1GiB'],
];

const withSnapshot: Before = async ({ scene, home, line }) =>
  line.replace('3f9a', (await snapshotOf(scene, join(home.folder, 'photos'))).slice(0, 12));

/** The newest job, in place of the one that is named. */
const withJob: Before = async ({ scene, line }) => {
  const [job] = await scene.engine.jobs.list();
  return line.replace(/\b(put|rebalance|drain|repair)-\d\b/, job!.id);
};

/** A link to an object whose name is free again. */
async function linkOf({ scene }: Setting): Promise<string> {
  const name = 'lent.pdf';
  await absent(scene, name, 'kept.pdf', 'shared/report.pdf');
  await present(scene, name);
  const { link } = await scene.engine.shares.share(name, {});
  await scene.engine.names.rename(name, 'kept.pdf');
  return link;
}

const withShare: Before = async ({ scene, line }) => {
  await present(scene, 'given.pdf');
  const { share } = await scene.engine.shares.share('given.pdf', {});
  return line.replace('5f0c12ab9d3e', share.id);
};

const address = ({ scene }: Setting) => scene.mesh.engines[1]!.address;

const withNames: Before = async ({ line }) => line.replace('birch', 'attic').replace('cedar', 'barn');

const withAddress: Before = async (setting) => {
  const { line } = setting;
  const found = line.replace(/\/(ip4|dns4)\/\S+/, address(setting));
  return line.includes('/dns4/') ? found.replace('/ip4/127.0.0.1', '/dns4/localhost') : found;
};

const without =
  (path: string): Before =>
  async ({ home }) =>
    rm(join(home.cwd, path), { recursive: true, force: true });

const bundle: Before = async ({ scene, home }) => {
  await rm(join(home.cwd, 'photos.bundle'), { force: true });
  await scene.run(home, "datamesh export photos.bundle 'photos/**'");
};

const running: Before = async ({ scene, home }) => {
  const { status, stderr } = await scene.shell(home, 'datamesh service start');
  if (status !== 0) throw new Error(stderr);
};

export const CASES: Record<string, Case> = {
  'datamesh pool create big --code 10+4 --domain zone': { status: EXIT.unreachable },
  // One disk here, and a rule that three of them be different.
  'datamesh pool create disks --code 2+1 --dir /mnt/a/shards --dir /mnt/b/shards --dir /mnt/c/shards': {
    status: EXIT.unreachable,
  },
  'datamesh pool show big --durability --failures 10': { before: ({ scene }) => poolNamed(scene, 'big') },
  'datamesh pool show big --check --quiet || alert': { before: ({ scene }) => poolNamed(scene, 'big') },
  'datamesh pool set big --compress': { before: ({ scene }) => poolNamed(scene, 'big') },
  'datamesh pool set big --code 8+4 --json': {
    before: ({ scene }) => poolNamed(scene, 'big'),
    status: EXIT.unreachable,
  },
  'datamesh distribution --pool big --by zone': { before: ({ scene }) => poolNamed(scene, 'big') },

  'datamesh get holiday.mp4': { before: without('holiday.mp4') },
  'datamesh prove holiday.mp4': { before: without('holiday.mp4.proof') },
  'datamesh delete old.zip': { before: ({ scene }) => present(scene, 'old.zip') },
  'datamesh delete old.zip --dry-run --json': { before: ({ scene }) => present(scene, 'old.zip') },
  'datamesh rm draft-1 draft-2 --purge --yes': {
    before: ({ scene }) => present(scene, 'draft-1', 'draft-2'),
  },
  'datamesh undelete report.pdf': { before: ({ scene }) => deleted(scene, 'report.pdf') },
  'datamesh undelete report.pdf --json': { before: ({ scene }) => deleted(scene, 'report.pdf') },
  'datamesh undelete a.txt b.txt': { before: ({ scene }) => deleted(scene, 'a.txt', 'b.txt') },
  'datamesh rename draft.txt 2026/final.txt': { before: ({ scene }) => present(scene, 'draft.txt') },
  'datamesh mv a.txt b.txt --json': {
    async before({ scene }) {
      await present(scene, 'a.txt');
      await absent(scene, 'b.txt');
    },
  },
  'datamesh cp a.txt b.txt --if-absent --json': {
    async before({ scene }) {
      await present(scene, 'a.txt');
      await absent(scene, 'b.txt');
    },
  },
  "datamesh batch-tag '*.tmp' --tags old --remove new": { before: ({ scene }) => present(scene, 'x.tmp') },
  "datamesh batch-get 'photos/**' . --preserve-structure": { before: without('photos') },
  "datamesh batch-get '*.pdf' papers": { before: ({ scene }) => present(scene, 'report.pdf') },

  "datamesh import 'datamesh://…#k=…'": {
    before: async (setting) => `datamesh import '${await linkOf(setting)}'`,
  },
  'datamesh import photos.bundle --output photos': {
    async before(setting) {
      await bundle(setting);
      await rm(join(setting.home.cwd, 'photos', 'photos'), { recursive: true, force: true });
    },
  },
  'datamesh import - --name shared/report.pdf --json': { stdin: linkOf },
  "datamesh export photos.bundle 'photos/**'": { before: without('photos.bundle') },
  'datamesh export two.bundle a.txt b.txt --dry-run': {
    before: ({ scene }) => present(scene, 'a.txt', 'b.txt'),
  },
  [`datamesh share report.pdf --to dmk-${'0'.repeat(72)}`]: {
    before: async ({ scene }) => `datamesh share report.pdf --to ${await scene.engine.shares.key()}`,
  },
  'datamesh shares revoke 5f0c12ab9d3e': {
    before: withShare,
  },
  'datamesh shares revoke 5f0c12ab9d3e --rekey --yes': {
    before: withShare,
  },
  'datamesh shares revoke 5f0c12ab9d3e --rekey --yes --json': {
    before: withShare,
  },

  'datamesh restore latest /tmp/back': {
    async before({ scene, home }) {
      await snapshotOf(scene, join(home.folder, 'photos'));
      await rm(join(root(home), 'tmp/back'), { recursive: true, force: true });
    },
  },
  'datamesh restore 3f9a photos-back --path 2026/holiday': {
    before: withSnapshot,
  },
  'datamesh restore 3f9a /srv --overwrite --json=files,kept,failed': {
    before: withSnapshot,
  },
  'datamesh snapshots show latest': {
    before: async ({ scene, home }) => void (await snapshotOf(scene, join(home.folder, 'photos'))),
  },
  'datamesh snapshots show 3f9a 2026/holiday': {
    before: withSnapshot,
  },
  'datamesh snapshots show 3f9a --json=path,sizeBytes': {
    before: withSnapshot,
  },
  'datamesh snapshots forget 3f9a --yes': { before: withSnapshot },
  'datamesh snapshots forget --keep-last 30 --source /srv --yes --json': {
    before: async ({ scene, home }) => void (await snapshotOf(scene, join(root(home), 'srv'))),
  },
  'datamesh sync ~/notes --to shared/notes --bidirectional --watch': {
    stopAfterMs: 1_000,
    status: EXIT.interrupted,
  },

  // They change the configuration of a home of their own.
  'datamesh bandwidth limit --up 2MiB/s --down 0': { home: 'configured' },
  'datamesh bandwidth limit --at 08:00-18:00 --up 500KiB/s --down 2MiB/s': { home: 'configured' },
  'datamesh bandwidth limit --clear --json': { home: 'configured' },
  'datamesh optimize --storage --apply --json': { home: 'configured' },

  ...PEER_CASES,
  'datamesh whatif lose birch': { before: withNames },
  'datamesh whatif lose birch cedar --json || alert': { before: withNames },
  // These nodes name no zone.
  'datamesh whatif lose zone:eu-1 --objects': { status: EXIT.notFound },

  'datamesh bootstrap /ip4/192.168.1.7/tcp/40871/p2p/12D3KooWExample': {
    before: withAddress,
  },
  'datamesh bootstrap /dns4/mesh.example.org/tcp/40871/p2p/12D3KooWExample --timeout 10s': {
    before: withAddress,
  },
  'datamesh bootstrap /ip4/127.0.0.1/tcp/40871/p2p/12D3KooWExample --json': {
    before: withAddress,
  },

  'datamesh jobs show put-1': { before: withJob },
  'datamesh jobs show rebalance-4 --json': {
    before: withJob,
  },
  'datamesh jobs show drain-2 --json=state,etaMs': {
    before: withJob,
  },
  'datamesh jobs wait put-1': { before: withJob },
  'datamesh jobs wait drain-2 && datamesh service stop': {
    why: 'the service is this process; service stop has examples of its own',
    before: async (setting) => (await withJob(setting))!.split(' && ')[0]!,
  },
  'datamesh --timeout 1h jobs wait repair-3 --json': {
    before: withJob,
  },
  'datamesh jobs cancel put-1': { before: withJob },
  'datamesh jobs cancel rebalance-4 --dry-run': {
    before: withJob,
  },
  'datamesh jobs cancel repair-3 --json=id,state': {
    before: withJob,
  },

  'keys import main': { home: 'configured', stdin: freshWords },
  'keys import main --file main.key': {
    home: 'configured',
    async before({ scene, home }) {
      await scene.run(home, 'keys export main --encrypted -o main.key');
      await scene.run(home, 'keys destroy main --yes');
    },
  },
  'keys import main --file - --default --json': { home: 'configured', stdin: freshWords },
  'keys rotate --new-passphrase-file new.txt --json': {
    home: 'configured',
    before: ({ home }) => writeFile(join(home.cwd, 'new.txt'), PASSPHRASE),
  },
  'keys new main': {
    home: 'configured',
    before: async ({ scene, home }) => void (await scene.run(home, 'keys destroy main --yes')),
  },
  'keys new work --protect': {
    home: 'configured',
    before: async ({ scene, home }) => void (await scene.run(home, 'keys destroy work --yes')),
  },

  'config unset network.prot --json': {
    home: 'configured',
    async before({ home }) {
      const { readFile } = await import('node:fs/promises');
      const config = JSON.parse(await readFile(home.configPath, 'utf8'));
      config.network.prot = 4;
      await writeFile(home.configPath, JSON.stringify(config));
    },
  },
  'config validate --config new.json': { home: 'configured', before: copiedTo('new.json') },
  'config edit --no-input': { home: 'configured', status: EXIT.usage },
  // Nothing is set up there, so there is something to grep for.
  'datamesh doctor --json | grep -v \'"ok"\'': { home: 'blank', status: EXIT.failed },
  'datamesh doctor --config ./other.json': { before: copiedTo('other.json') },

  'init --yes --quota 50GiB --network lan': { home: 'blank' },
  'init --answers answers.json --force --json': {
    home: 'configured',
    async before({ home }) {
      const answers = { name: 'birch', network: 'local', quota: '1GiB', identity: 'new' };
      await writeFile(join(home.cwd, 'answers.json'), JSON.stringify(answers));
    },
  },
  recover: { home: 'configured', stdin: ownersWords, before: readyToRecover },
  'recover --words-file words.txt --bootstrap /ip4/192.168.1.7/tcp/40871/p2p/12D3KooWExample': {
    home: 'configured',
    async before(setting) {
      await readyToRecover(setting);
      const path = join(setting.home.cwd, 'words.txt');
      await writeFile(path, await ownersWords(setting), { mode: 0o600 });
      return `recover --words-file words.txt --bootstrap ${address(setting)}`;
    },
  },
  'recover --words-file - --scan --json': { home: 'configured', stdin: ownersWords, before: readyToRecover },

  'datamesh service': { home: 'configured', stopAfterMs: 200 },
  'datamesh service run --log-level debug': { home: 'configured', stopAfterMs: 200 },
  'datamesh service run --config /etc/datamesh.json --json': {
    home: 'configured',
    stopAfterMs: 200,
    before: ({ home }) => Promise.resolve(`datamesh service run --config '${home.configPath}' --json`),
  },
  'datamesh service start --passphrase-file ~/.datamesh-pass': {
    home: 'configured',
    before: ({ home }) => writeFile(join(home.folder, '.datamesh-pass'), 'x\n', { mode: 0o600 }),
  },
  'datamesh service stop': { home: 'configured', before: running },
  'datamesh service stop && datamesh service start': { home: 'configured', before: running },
  'datamesh service stop --timeout 5s': { home: 'configured', before: running },
  'datamesh service status --json=state,pid': { home: 'configured', before: running },
  'datamesh service status': { home: 'configured', before: running },
  'datamesh service logs': { home: 'configured', before: running },
  'datamesh service logs -n 0 --follow': {
    home: 'configured',
    before: running,
    stopAfterMs: 1_000,
  },
  'datamesh service logs -n 1000 --json': { home: 'configured', before: running },

  'datamesh completion fish | source': {
    why: 'source belongs to fish',
    before: async () => 'datamesh completion fish | cat',
  },
  'datamesh completion zsh > ~/.zfunc/_datamesh': {
    before: ({ home }) => makeFolder(join(home.folder, '.zfunc')),
  },
};

async function makeFolder(path: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(path, { recursive: true });
}

function copiedTo(name: string): Before {
  return async ({ home }) => {
    const { copyFile } = await import('node:fs/promises');
    await copyFile(home.configPath, join(home.cwd, name));
  };
}

async function freshWords({ scene, home }: Setting): Promise<string> {
  await scene.run(home, 'keys destroy main --yes');
  return `${home.words}\n`;
}

/** Of the owner whose objects are in the mesh. */
async function ownersWords({ scene }: Setting): Promise<string> {
  const { records } = await scene.run(scene.home, 'keys export main --json');
  return `${records[0]!.record.phrase}\n`;
}

/** A machine without the owner's key, and a catalog in the mesh to come back from. */
async function readyToRecover({ scene, home }: Setting): Promise<void> {
  const endMs = performance.now() + 60_000;
  for (;;) {
    const { mirror } = await scene.engine.stats();
    if (mirror !== undefined && (mirror.headHolders ?? 0) > 0) break;
    if (performance.now() > endMs) throw new Error(`no catalog in the mesh: ${JSON.stringify(mirror)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  for (const key of ['main', 'work']) await scene.run(home, `keys destroy ${key} --yes`);
}
