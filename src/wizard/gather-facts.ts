/** Gathers the facts: the machine, the configuration that may be there, a fresh phrase. */
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { nodeNameOf } from '../config/default-name.ts';
import { defaultDataDir, type Environment } from '../config/paths.ts';
import { resolveConfig } from '../config/resolve.ts';
import { type ConfigFile, readConfigFile } from '../config/store.ts';
import type { Random } from '../engine/effects/random.ts';
import { newPhrase, PHRASE_WORDS } from '../engine/keys/phrase.ts';
import { asDatameshError } from '../errors.ts';
import type { PreflightItem, WizardFacts } from './facts.ts';
import { probeDataDir, probeWritable } from './probes.ts';

export interface GatherRequest {
  configPath: string;
  env: Environment;
  random: Random;
  /** Of the terminal; undefined off a terminal. */
  size?: { columns: number; rows: number } | undefined;
}

/** The versions of package.json's `engines`. */
const OLDEST_NODE = [22, 13] as const;
/** Screens are drawn for 80 columns and stay readable down to this. */
const MIN_COLUMNS = 40;
const MIN_ROWS = 10;
/** The clock of a machine without a battery starts in the past; certificates and versions carry dates. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);
const MIN_FREE_BYTES = 1024 ** 3;

export async function gatherFacts(request: GatherRequest): Promise<WizardFacts> {
  const { configPath, env, random } = request;
  const dataDir = defaultDataDir(env);
  const { existing, problem } = await existingConfig(configPath);
  const disks: Record<string, NonNullable<Awaited<ReturnType<typeof probeDataDir>>['disk']>> = {};
  for (const folder of new Set([dataDir, existing?.node.dataDir ?? dataDir])) {
    const { disk } = await probeDataDir(folder, dirname(configPath));
    if (disk !== undefined) disks[folder] = disk;
  }
  const words = newPhrase(random).split(' ');
  const facts: WizardFacts = {
    defaultName: nodeNameOf(hostname()),
    defaultDataDir: dataDir,
    configPath,
    existing,
    preflight: [],
    disks,
    newPhrase: { words, ask: twoPlaces(random) },
  };
  return { ...facts, preflight: await preflight(facts, request, problem) };
}

/** Looked at again when a person has mended what was wrong. */
export async function preflight(
  facts: WizardFacts,
  request: GatherRequest,
  configProblem?: string,
): Promise<PreflightItem[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const newEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const writable = await probeWritable(facts.configPath);
  const disk = facts.disks[facts.existing?.node.dataDir ?? facts.defaultDataDir];
  const now = Date.now();
  const { size } = request;
  const config: PreflightItem =
    configProblem !== undefined
      ? {
          label: 'configuration',
          state: 'warn',
          detail: `${configProblem}; writing replaces it and keeps a .bak`,
        }
      : facts.existing === undefined
        ? { label: 'configuration', state: 'ok', detail: `will be written to ${facts.configPath}` }
        : {
            label: 'configuration',
            state: 'ok',
            detail: `${facts.configPath} is there: its values are the defaults, a .bak is kept`,
          };
  return [
    {
      label: 'Node.js',
      state: newEnough ? 'ok' : 'fail',
      detail: newEnough
        ? process.versions.node
        : `${process.versions.node}, at least ${OLDEST_NODE.join('.')} is needed`,
    },
    ...(size === undefined
      ? []
      : [
          {
            label: 'terminal',
            state: size.columns >= MIN_COLUMNS && size.rows >= MIN_ROWS ? ('ok' as const) : ('warn' as const),
            detail: `${size.columns}×${size.rows}`,
          },
        ]),
    {
      label: 'write access',
      state: writable.problem === undefined ? 'ok' : 'fail',
      detail: writable.problem ?? dirname(facts.configPath),
    },
    {
      label: 'clock',
      state: now >= EARLIEST_MS ? 'ok' : 'warn',
      detail: `${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC${now >= EARLIEST_MS ? '' : ', which is in the past: set it'}`,
    },
    disk === undefined
      ? {
          label: 'free disk',
          state: 'warn',
          detail: `${facts.defaultDataDir} cannot be used: choose another data folder`,
        }
      : {
          label: 'free disk',
          state: disk.freeBytes >= MIN_FREE_BYTES ? 'ok' : 'warn',
          detail: `${(disk.freeBytes / 1024 ** 3).toFixed(1)} GiB`,
        },
    config,
  ];
}

/** A damaged configuration does not stop the wizard, which is there to write a new one; it is said, and kept as .bak. */
export async function existingConfig(path: string) {
  let file: ConfigFile | undefined;
  try {
    file = await readConfigFile(path);
    if (file === undefined) return { existing: undefined, problem: undefined };
    return { existing: resolveConfig(file, path, { env: {} }).config, problem: undefined };
  } catch (error) {
    return { existing: undefined, problem: asDatameshError(error).message };
  }
}

function twoPlaces(random: Random): [number, number] {
  const [first = 0, second = 0] = random.bytes(2);
  const one = first % PHRASE_WORDS;
  // Never the same twice: the second counts among the other 23.
  const other = (one + 1 + (second % (PHRASE_WORDS - 1))) % PHRASE_WORDS;
  return one < other ? [one, other] : [other, one];
}
