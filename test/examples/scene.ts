/** Where the examples of every command's help run: a small real mesh, a home that is set up for it, and blank homes for those that change keys or configurations. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createCliHost } from '../../src/cli/host.ts';
import type { Streams } from '../../src/cli/streams.ts';
import type { OutputRecord } from '../../src/commands/command.ts';
import { executeParsed, type Host, type RunOutput } from '../../src/commands/execute.ts';
import { defaultConfig } from '../../src/config/fields.ts';
import type { Config } from '../../src/config/schema.ts';
import { type ControlServer, startControl } from '../../src/engine/control/server.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { dataPaths } from '../../src/engine/options.ts';
import { parseArgv } from '../../src/lang/argv.ts';
import { parse } from '../../src/lang/parser.ts';
import type { ParsedCommand } from '../../src/lang/types.ts';
import { LAUNCHER } from '../support/cli.ts';
import { type EngineMesh, openEngineMesh, TEST_NETWORK, untilEligible } from '../support/engine-mesh.ts';
import { realRegistry } from '../support/registry.ts';

/** What a passphrase file or a person at the terminal gives. */
export const PASSPHRASE = 'umbrella granite 7 pelican orbit';

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
  /** Whole records, before columns are chosen and filters applied; by command. */
  records: { command: string; record: OutputRecord }[];
}

export interface ExampleHome {
  folder: string;
  /** Where commands run. */
  cwd: string;
  dataDir: string;
  configPath: string;
  env: Record<string, string>;
  /** The 24 words of its key `main`; undefined in a blank home. */
  words: string | undefined;
}

export interface RunOptions {
  /** What comes over standard input. */
  stdin?: string | undefined;
  /** Ends a command that would go on for ever, this long after its first output. */
  stopAfterMs?: number | undefined;
}

export interface Scene {
  mesh: EngineMesh;
  engine: Engine;
  /** Of the node that the commands ask. */
  home: ExampleHome;
  /** A home of its own, as after `init`, with keys `main` and `work`; or one with nothing at all. */
  newHome(kind: 'configured' | 'blank'): Promise<ExampleHome>;
  /** Words of a command line, in this process, through the same host as the program's. */
  run(home: ExampleHome, line: string, options?: RunOptions): Promise<Ran>;
  /** A line of a shell, with `datamesh` on its path. */
  shell(home: ExampleHome, line: string, options?: RunOptions): Promise<Ran>;
  close(): Promise<void>;
}

/** One that is to be stopped after its first output is stopped then if it has none. */
const QUIET_MS = 10_000;
/** How long an example may take before it counts as hanging. */
const SHELL_MS = 60_000;

export async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'dm-examples-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await script(join(bin, 'datamesh'), `exec '${process.execPath}' '${LAUNCHER}' "$@"`);
  // What an operator would put in its place.
  await script(join(bin, 'alert'), 'echo alerted');
  await script(join(bin, 'less'), 'exec cat');
  const mesh = await openEngineMesh({ k: 2, m: 1 });
  let control: ControlServer | undefined;
  try {
    // Its catalog is what `recover` brings back.
    await mesh.add('main', { mirrorsCatalog: true });
    for (const name of ['attic', 'cellar', 'barn']) await mesh.add(name);
    const [first, ...others] = mesh.engines;
    const { engine } = first!;
    await untilEligible(
      engine,
      others.map(({ peerId }) => peerId),
    );
    const { dataDir } = await engine.status();
    control = await startControl(engine, { dataDir, clock: realClock() });
    const homes = { folder, bin, bootstrap: others.map(({ address }) => address), count: 0 };
    const home = await makeHome(homes, dataDir);
    return {
      mesh,
      engine,
      home,
      newHome: async (kind) => {
        const made = await makeHome(homes, undefined);
        if (kind === 'configured') await setUp(made);
        else await rm(made.configPath);
        return made;
      },
      run: runHere,
      shell: runShell,
      async close() {
        await control?.close();
        await mesh.close();
        await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      },
    };
  } catch (error) {
    await control?.close();
    await mesh.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const script = (path: string, text: string) => writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });

interface Homes {
  folder: string;
  bin: string;
  bootstrap: string[];
  count: number;
}

async function makeHome(homes: Homes, dataDir: string | undefined): Promise<ExampleHome> {
  const folder = join(homes.folder, `home-${homes.count++}`);
  const cwd = join(folder, 'work');
  await mkdir(cwd, { recursive: true });
  const configPath = join(folder, '.config', 'datamesh', 'config.json');
  await mkdir(join(folder, '.config', 'datamesh'), { recursive: true, mode: 0o700 });
  const base = defaultConfig({ name: 'alder', dataDir: dataDir ?? join(folder, 'data') });
  const config: Config = {
    ...base,
    network: { ...base.network, name: TEST_NETWORK, preset: 'local', port: 0, bootstrap: homes.bootstrap },
    storage: { quotaBytes: 2 ** 30, reservePercent: 0 },
    redundancy: { k: 2, m: 1 },
  };
  await writeFile(configPath, JSON.stringify(config, null, 2), { mode: 0o600 });
  const env = {
    PATH: `${homes.bin}${delimiter}${process.env.PATH ?? ''}`,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, '.config'),
    XDG_DATA_HOME: join(folder, '.local'),
    XDG_STATE_HOME: join(folder, '.state'),
    TMPDIR: folder,
    DATAMESH_PASSPHRASE: '',
  };
  return { folder, cwd, dataDir: config.node.dataDir, configPath, env, words: undefined };
}

async function setUp(home: ExampleHome): Promise<void> {
  await mkdir(home.dataDir, { mode: 0o700 });
  const ring = await openKeyring(
    { disk: realDisk(), random: realRandom(), clock: realClock() },
    dataPaths(home.dataDir).keyring,
  );
  home.words = (await ring.create('main')).phrase;
  await ring.create('work');
}

/** Words of a shell line without anything only a shell can do, else undefined. */
export function plainLine(line: string): boolean {
  return !/[<>|&;$`]/.test(line.replace(/'[^']*'/g, ''));
}

async function runHere(home: ExampleHome, line: string, options: RunOptions = {}): Promise<Ran> {
  const registry = realRegistry();
  const { commands, diagnostics } = line.includes('--version')
    ? parseArgv(['version'], registry)
    : parse(line.replaceAll('~/', `${home.folder}/`), { registry, env: home.env });
  if (commands.length === 0 || diagnostics.length > 0) {
    throw new Error(`'${line}' does not parse: ${diagnostics.map(({ message }) => message).join('; ')}`);
  }
  const out: string[] = [];
  const err: string[] = [];
  const records: Ran['records'] = [];
  let status = 0;
  for (const parsed of commands) {
    const stop = new AbortController();
    const cli = createCliHost({
      flags: parsed.options,
      streams: memoryStreams(out, err),
      env: home.env,
      cwd: home.cwd,
      signal: stop.signal,
      mode: 'one-shot',
    });
    const host: Host = {
      ...cli,
      output: (own) => seen(cli.output(own), own, records, () => stopSoon(stop, options.stopAfterMs)),
      stdin: () => textSource(options.stdin ?? ''),
      // A person at the terminal, who says yes and knows the passphrase.
      confirm: async () => true,
      secret: async () => PASSPHRASE,
    };
    try {
      if (options.stopAfterMs !== undefined) stopSoon(stop, options.stopAfterMs * 5);
      status = await executeParsed(parsed, host);
    } finally {
      await cli.access.close();
    }
  }
  return { status, stdout: out.join(''), stderr: err.join(''), records };
}

function stopSoon(stop: AbortController, ms: number | undefined): void {
  if (ms !== undefined) setTimeout(() => stop.abort(), ms).unref();
}

function seen(
  output: RunOutput,
  { command }: ParsedCommand,
  records: Ran['records'],
  onOutput: () => void,
): RunOutput {
  return {
    ...output,
    record(record) {
      records.push({ command: command.path.join(' '), record: structuredClone(record) });
      output.record(record);
      onOutput();
    },
  };
}

async function* textSource(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function memoryStreams(out: string[], err: string[]): Streams {
  return {
    stdoutIsTty: false,
    stderrIsTty: false,
    columns: () => undefined,
    write: (text) => void out.push(text),
    writeBytes: async (bytes) => void out.push(Buffer.from(bytes).toString('latin1')),
    drained: async () => {},
    writeError: (text) => void err.push(text),
    flush: async () => {},
    lost: () => undefined,
  };
}

function runShell(home: ExampleHome, line: string, options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', line], {
      cwd: home.cwd,
      env: home.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that what stops it stops what it started, as a terminal does.
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let stopping = false;
    const stop = (signal: NodeJS.Signals) => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
    };
    const onOutput = () => {
      if (options.stopAfterMs === undefined || stopping) return;
      stopping = true;
      setTimeout(() => stop('SIGINT'), options.stopAfterMs);
    };
    // What follows something that stands still says nothing.
    const quiet = setTimeout(onOutput, QUIET_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      onOutput();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err.push(chunk);
      onOutput();
    });
    const timer = setTimeout(() => {
      stop('SIGKILL');
      reject(new Error(`'${line}' did not end: ${Buffer.concat(err)}`));
    }, SHELL_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      clearTimeout(quiet);
      const texts = [out, err].map((chunks) => Buffer.concat(chunks).toString()) as [string, string];
      resolve({ status: code ?? -1, stdout: texts[0], stderr: texts[1], records: [] });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}
