/** Writes what the wizard decided: data folder 0700, device identity, keyring, and last the configuration 0600. */
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeNewFile } from '../commands/files/new-file.ts';
import { changing } from '../config/changing.ts';
import { mergeEdits } from '../config/merge.ts';
import { resolveConfig } from '../config/resolve.ts';
import type { Config } from '../config/schema.ts';
import { writeConfigFile } from '../config/store.ts';
import { realClock } from '../engine/effects/clock.ts';
import { fileError } from '../engine/effects/file-errors.ts';
import { makeDirs } from '../engine/effects/make-dirs.ts';
import type { Random } from '../engine/effects/random.ts';
import { realDisk } from '../engine/effects/real-disk.ts';
import { loadOrCreateDevice } from '../engine/keys/device.ts';
import type { KeyInfo, Keyring } from '../engine/keys/keyring.ts';
import { openLockedKeyring } from '../engine/keys/locked-keyring.ts';
import { dataPaths } from '../engine/options.ts';
import { asDatameshError, DatameshError } from '../errors.ts';
import { configOfAnswers } from './config-answers.ts';
import { type AnswerContext, relevantQuestions } from './context.ts';
import type { WizardFacts } from './facts.ts';
import { existingConfig } from './gather-facts.ts';
import { readKeyFile } from './probes.ts';
import { ANSWERABLE } from './questions/all.ts';
import type { Written } from './state.ts';

export type SetupResult = Omit<Written, 'openConsole'> & {
  /** Name of the owner key that is now in use, and its id. */
  keyName: string;
  ownerId: string;
};

const DIR_MODE = 0o700;

/**
 * In the order that leaves no half set-up behind: without the configuration nothing counts as configured, so it comes
 * last, and an owner key made for one that cannot be written goes again. Identity and keys that are there already are kept.
 */
export async function writeSetup(context: AnswerContext, random: Random): Promise<SetupResult> {
  try {
    return await writeAll(context, random);
  } catch (error) {
    throw fileError(error) ?? error;
  }
}

async function writeAll(context: AnswerContext, random: Random): Promise<SetupResult> {
  let config = configOfAnswers(context);
  const { configPath } = context.facts;
  const paths = dataPaths(config.node.dataDir);
  await makeDirs(config.node.dataDir, DIR_MODE);
  await chmod(config.node.dataDir, DIR_MODE);
  const disk = realDisk();
  const passphrase = context.secrets.passphrase || undefined;
  const keyring = await openLockedKeyring({ disk, random, clock: realClock() }, paths.keyring, passphrase);
  const device = await loadOrCreateDevice(disk, paths.device, random);
  const before = keyring.list();
  let key: { name: string; ownerId: string };
  try {
    key = await keepOwner(context, keyring);
    // The lock lies in it.
    await makeDirs(dirname(configPath), DIR_MODE);
    await changing(configPath, async () => {
      config = await withOthers(context.facts, config);
      await writeConfigFile(configPath, config);
    });
  } catch (error) {
    await takeBack(context, keyring, before).catch(() => {});
    throw error;
  }
  return {
    config,
    configPath,
    files: [configPath, paths.device, paths.keyring],
    peerId: device.peerId,
    keyName: key.name,
    ownerId: key.ownerId,
  };
}

/** What others have set since the questions began stays, but for what was answered otherwise. Throws `config-exists` for a file that was not there then. */
async function withOthers({ configPath, existing }: WizardFacts, config: Config): Promise<Config> {
  const { existing: now } = await existingConfig(configPath);
  if (now === undefined) return config;
  if (existing === undefined) {
    throw new DatameshError('config-exists', {
      what: `another process has written the configuration ${configPath} meanwhile; nothing was replaced`,
      mend: 'look at it with: datamesh config list; or begin the set-up again',
      details: { path: configPath },
    });
  }
  const { file } = mergeEdits({ ...existing }, { ...config }, { ...now });
  const merged = resolveConfig(file, configPath, { env: {} }).config;
  return { ...merged, node: { ...merged.node, dataDir: config.node.dataDir } };
}

/** Another try is to find the keyring as this one did, or it would meet its own key under the name it wants. What others added meanwhile stays. */
async function takeBack(context: AnswerContext, keyring: Keyring, before: readonly KeyInfo[]): Promise<void> {
  const name = context.value('key-name');
  const has = (keys: readonly KeyInfo[]) => keys.some((key) => key.name === name);
  if (context.value('identity') === 'keep' || has(before) || !has(keyring.list())) return;
  await keyring.remove(name);
  const chosen = before.find(({ isDefault }) => isDefault);
  if (chosen !== undefined) await keyring.setDefault(chosen.name);
}

/** `datamesh init --answers` reads this file; secrets are not in it. One that was saved before stays: the new one gets a number. */
export async function saveAnswers(context: AnswerContext): Promise<string> {
  const folder = dirname(context.facts.configPath);
  try {
    await makeDirs(folder, DIR_MODE);
    for (let at = 1; ; at++) {
      const path = `${folder}/answers${at === 1 ? '' : `-${at}`}.json`;
      const taken = await writeNewFile(path, answersJson(context), 'remove it').then(
        () => false,
        (error: unknown) => asDatameshError(error).code === 'already-exists' || Promise.reject(error),
      );
      if (!taken) return path;
    }
  } catch (error) {
    throw fileError(error) ?? error;
  }
}

/** Every answer in force, in the order of the questions, for `--print-answers` and `--answers`. */
export function answersJson(context: AnswerContext): string {
  const relevant = new Set(relevantQuestions(context).map(({ id }) => id));
  const entries = ANSWERABLE.filter(({ id }) => relevant.has(id)).map(({ id }) => [id, context.value(id)]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

async function keepOwner(
  context: AnswerContext,
  keyring: Keyring,
): Promise<{ name: string; ownerId: string }> {
  const identity = context.value('identity');
  if (identity === 'keep') return keyring.list().find(({ isDefault }) => isDefault)!;
  const name = context.value('key-name');
  const info = await addOwner(context, keyring, identity, name);
  return keyring.setDefault(info.name);
}

async function addOwner(context: AnswerContext, keyring: Keyring, identity: string, name: string) {
  if (identity === 'new') return keyring.add(name, context.facts.newPhrase.words.join(' '));
  if (identity === 'phrase') return keyring.add(name, context.secrets.phrase ?? '');
  const file = await readKeyFile(context.value('key-file'));
  if (file.kind === 'phrase') return keyring.add(name, file.phrase);
  return keyring.importEncrypted(file.text, context.secrets['key-passphrase'] ?? '', name);
}
