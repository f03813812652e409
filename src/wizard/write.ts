/** Writes what the wizard decided: data folder 0700, device identity, keyring, and last the configuration 0600. */
import { chmod, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeConfigFile } from '../config/store.ts';
import { realClock } from '../engine/effects/clock.ts';
import { fileError } from '../engine/effects/file-errors.ts';
import { makeDirs } from '../engine/effects/make-dirs.ts';
import type { Random } from '../engine/effects/random.ts';
import { realDisk } from '../engine/effects/real-disk.ts';
import { loadOrCreateDevice } from '../engine/keys/device.ts';
import type { Keyring } from '../engine/keys/keyring.ts';
import { openLockedKeyring } from '../engine/keys/locked-keyring.ts';
import { dataPaths } from '../engine/options.ts';
import { configOfAnswers } from './config-answers.ts';
import { type AnswerContext, relevantQuestions } from './context.ts';
import { readKeyFile } from './probes.ts';
import { ANSWERABLE } from './questions/all.ts';
import type { Written } from './state.ts';

export type SetupResult = Omit<Written, 'openConsole'> & {
  /** Name of the owner key that is now in use, and its id. */
  keyName: string;
  ownerId: string;
};

const SECRET_MODE = 0o600;
const DIR_MODE = 0o700;

/**
 * In the order that leaves no half set-up behind: without the configuration nothing counts as configured, so it comes
 * last. Identity and keys that are there already are kept.
 */
export async function writeSetup(context: AnswerContext, random: Random): Promise<SetupResult> {
  try {
    return await writeAll(context, random);
  } catch (error) {
    throw fileError(error) ?? error;
  }
}

async function writeAll(context: AnswerContext, random: Random): Promise<SetupResult> {
  const config = configOfAnswers(context);
  const { configPath } = context.facts;
  const paths = dataPaths(config.node.dataDir);
  await makeDirs(config.node.dataDir, DIR_MODE);
  await chmod(config.node.dataDir, DIR_MODE);
  const disk = realDisk();
  const passphrase = context.secrets.passphrase || undefined;
  const keyring = await openLockedKeyring({ disk, random, clock: realClock() }, paths.keyring, passphrase);
  const device = await loadOrCreateDevice(disk, paths.device, random);
  const key = await keepOwner(context, keyring);
  await writeConfigFile(configPath, config);
  return {
    config,
    configPath,
    files: [configPath, paths.device, paths.keyring],
    peerId: device.peerId,
    keyName: key.name,
    ownerId: key.ownerId,
  };
}

/** `datamesh init --answers` reads this file; secrets are not in it. */
export async function saveAnswers(context: AnswerContext): Promise<string> {
  const path = `${dirname(context.facts.configPath)}/answers.json`;
  try {
    await makeDirs(dirname(path), DIR_MODE);
    await writeFile(path, answersJson(context), { mode: SECRET_MODE });
    await chmod(path, SECRET_MODE);
  } catch (error) {
    throw fileError(error) ?? error;
  }
  return path;
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
