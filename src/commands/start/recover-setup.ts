/** Before a recovery: the words, and a node that acts for their owner. */
import { dirname, resolve } from 'node:path';
import { configFileExists } from '../../config/store.ts';
import { realRandom } from '../../engine/effects/random.ts';
import { realDisk } from '../../engine/effects/real-disk.ts';
import { deriveOwner } from '../../engine/keys/owner.ts';
import { readSecretFile } from '../../engine/keys/secret-file.ts';
import type { OwnerId } from '../../engine/types.ts';
import { DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { importText, keyringForAdding, keyringOf } from '../keys/keyring-access.ts';

/** 24 words take 215 bytes. */
const MAX_WORDS_BYTES = 4096;

export interface BlankSetup {
  keyName: string;
  bootstrap: string[];
  network: string | undefined;
  networkName: string | undefined;
  folder: string | undefined;
}

/** From a file that nobody else may read, from standard input, or asked for on the terminal. */
export async function wordsFrom(context: Context, file: string | undefined): Promise<string> {
  if (file === undefined || file === '-') return (await importText(context, file)).trim();
  const path = resolve(context.cwd, file);
  const bytes = await readSecretFile(realDisk(), path, MAX_WORDS_BYTES);
  if (bytes !== undefined) return Buffer.from(bytes).toString('utf8').trim();
  throw new DatameshError('file-not-found', { what: `${path} does not exist`, mend: 'check the path' });
}

/** Throws `bad-phrase`. */
export function ownerOfWords(words: string): OwnerId {
  return deriveOwner(words, 'recovered').ownerId;
}

/** Makes a configuration where there is none, and the key of the words the one in use. */
export async function prepareNode(context: Context, words: string, setup: BlankSetup): Promise<void> {
  const isSetUp = () => configFileExists(context.configPath());
  if (await isSetUp()) await tellIgnored(context, setup);
  else {
    // Another process may have made one meanwhile, which does as well.
    await setUp(context, words, setup).catch(async (error: unknown) => {
      if (!(await isSetUp())) throw error;
    });
  }
  const ownerId = ownerOfWords(words);
  const known = (await keyringOf(context)).list();
  const here = known.find((key) => key.ownerId === ownerId);
  if (here?.isDefault) return;
  const ring = here === undefined ? await keyringForAdding(context, false) : await keyringOf(context);
  const taken = known.some(({ name }) => name === setup.keyName);
  const name = here?.name ?? (taken ? `recovered-${ownerId.slice(0, 8)}` : setup.keyName);
  if (here === undefined) await ring.add(name, words);
  await ring.setDefault(name);
  const before = known.find(({ isDefault }) => isDefault);
  if (before !== undefined)
    context.out.note(
      `new objects are sealed to "${name}" from now on; back to "${before.name}" with: datamesh keys default ${before.name}`,
    );
}

/** A second try with the same options finds what the first one wrote; another wish would go by silently. */
async function tellIgnored(context: Context, setup: BlankSetup): Promise<void> {
  const { node, network } = await context.config();
  const folder = setup.folder === undefined ? undefined : resolve(context.cwd, setup.folder);
  const asked: [string, string | undefined, string, string][] = [
    ['--folder', folder, node.dataDir, 'node.dataDir'],
    ['--network', setup.network, network.preset, 'network.preset'],
    ['--network-name', setup.networkName, network.name, 'network.name'],
  ];
  for (const [option, wanted, has, key] of asked) {
    if (wanted === undefined || wanted === has) continue;
    context.out.warn(
      `${option} is for a machine without a configuration: ${context.configPath()} says ${key} ${has}, and that stays`,
    );
  }
}

async function setUp(context: Context, words: string, setup: BlankSetup): Promise<void> {
  const [{ gatherFacts }, { givenAnswers, resolveHeadless }, { checkOn }, { probeDataDir }, { writeSetup }] =
    await Promise.all([
      import('../../wizard/gather-facts.ts'),
      import('../../wizard/headless.ts'),
      import('../../wizard/machine.ts'),
      import('../../wizard/probes.ts'),
      import('../../wizard/write.ts'),
    ]);
  const configPath = context.configPath();
  const random = realRandom();
  const given = {
    bootstrap: setup.bootstrap.length === 0 ? undefined : setup.bootstrap.join(','),
    network: setup.network,
    'network-name': setup.networkName,
    'data-dir': setup.folder === undefined ? undefined : resolve(context.cwd, setup.folder),
  };
  const flags = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const facts = await gatherFacts({ configPath, env: context.env, random });
  const folder =
    givenAnswers({ flags, env: context.env, answersFile: undefined })['data-dir'] ?? facts.defaultDataDir;
  // A folder whose configuration was lost, or never written, has its keys: they stay, and this one comes to them.
  const { disk } = await probeDataDir(folder, dirname(configPath));
  const keys =
    (disk?.keys.length ?? 0) > 0 ? { identity: 'keep' } : { identity: 'phrase', 'key-name': setup.keyName };
  const answered = await resolveHeadless({
    flags: { ...flags, ...keys },
    secrets: { phrase: words },
    answersFile: undefined,
    env: context.env,
    facts,
    yes: true,
    check: checkOn(dirname(configPath)),
  });
  await writeSetup(answered, random);
}
