import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initCommand } from '../../../src/commands/start/init.ts';
import { QUESTION_OPTIONS } from '../../../src/commands/start/init-options.ts';
import { CONFIG_VERSION } from '../../../src/config/fields.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { phraseOfEntropy } from '../../../src/engine/keys/phrase.ts';
import { contextOf } from '../../../src/wizard/context.ts';
import { gatherFacts } from '../../../src/wizard/gather-facts.ts';
import { createWizard } from '../../../src/wizard/machine.ts';
import { choicesOf } from '../../../src/wizard/question.ts';
import { ANSWERABLE } from '../../../src/wizard/questions/all.ts';
import type { WizardMachine } from '../../../src/wizard/wizard-machine.ts';
import { testFacts } from '../../wizard/fixtures.ts';
import { runCommand, type Setting } from '../fake-context.ts';

let dir = '';
let setting: Setting;
let configPath = '';
const PHRASE = phraseOfEntropy(new Uint8Array(32).fill(5));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-init-'));
  configPath = join(dir, 'config', 'datamesh', 'config.json');
  const env = { HOME: dir, XDG_CONFIG_HOME: join(dir, 'config'), XDG_DATA_HOME: join(dir, 'data') };
  setting = { env, cwd: dir, options: { yes: true } };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
/** Small enough for the disk of any machine that runs the tests. */
const SMALL = { quota: '10MiB' };

describe('init --yes', () => {
  it('makes folder, identity, keyring and configuration, for nobody else to read', async () => {
    const ran = await runCommand(initCommand, SMALL, setting);
    const dataDir = join(dir, 'data', 'datamesh');
    expect(ran.records).toEqual([
      expect.objectContaining({
        configPath,
        dataDir,
        key: 'main',
        peerId: expect.stringMatching(/^12D3KooW/),
        ownerId: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ]);
    expect(ran.notes.join()).toContain('datamesh keys export main');
    expect(await modeOf(configPath)).toBe(0o600);
    expect(await modeOf(dataDir)).toBe(0o700);
    for (const file of await readdir(dataDir)) expect(await modeOf(join(dataDir, file)), file).toBe(0o600);
    expect(JSON.parse(await readFile(configPath, 'utf8'))).toMatchObject({
      version: CONFIG_VERSION,
      storage: { quotaBytes: 10 * 2 ** 20 },
    });
    // The words are nowhere in what was printed.
    expect(JSON.stringify(ran)).not.toMatch(/([a-z]{3,8} ){11}/);
  });

  it('D.9-6 refuses a configuration that is there, untouched, and replaces it with --force, keeping .bak and keys', async () => {
    const first = await runCommand(initCommand, SMALL, setting);
    const before = await readFile(configPath, 'utf8');
    await expect(runCommand(initCommand, SMALL, setting)).rejects.toMatchObject({
      code: 'config-exists',
      exit: 4,
    });
    expect(await readFile(configPath, 'utf8')).toBe(before);
    const second = await runCommand(initCommand, { name: 'beta', force: true }, setting);
    expect(await readFile(`${configPath}.bak`, 'utf8')).toBe(before);
    expect(second.records[0]).toMatchObject({
      peerId: first.records[0]!.peerId,
      ownerId: first.records[0]!.ownerId,
    });
    expect(JSON.parse(await readFile(configPath, 'utf8'))).toMatchObject({
      node: { name: 'beta' },
      storage: { quotaBytes: 10 * 2 ** 20 },
    });
  });

  it('takes an owner from a phrase file, and from standard input with a passphrase', async () => {
    await writeFile(join(dir, 'words'), `${PHRASE}\n`);
    await writeFile(join(dir, 'pass'), 'correct horse battery staple\n');
    const ran = await runCommand(
      initCommand,
      { ...SMALL, identity: 'phrase', 'phrase-file': 'words', 'passphrase-file': 'pass' },
      setting,
    );
    expect(ran.records[0]).toMatchObject({ ownerId: deriveOwner(PHRASE, 'x').ownerId });
    const keyring = await readFile(join(dir, 'data', 'datamesh', 'keyring.json'), 'utf8');
    expect(keyring).toContain('argon2id');
    expect(keyring).not.toContain('"entropy"');
  });

  it('changes nothing with --dry-run, and prints what it would write', async () => {
    const ran = await runCommand(initCommand, SMALL, { ...setting, options: { yes: true, dryRun: true } });
    expect(await readdir(dir)).toEqual([]);
    await runCommand(initCommand, SMALL, setting);
    expect(ran.stdout).toBe(await readFile(configPath, 'utf8'));
  });

  it('takes --k and --n for a code of its own, and lists for lists', async () => {
    const ran = await runCommand(
      initCommand,
      { ...SMALL, k: '3', n: '7', bootstrap: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] },
      { ...setting, options: { yes: true, dryRun: true } },
    );
    expect(JSON.parse(ran.stdout)).toMatchObject({
      redundancy: { k: 3, m: 4 },
      network: { bootstrap: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] },
    });
  });

  it('prefers flag over variable over file', async () => {
    await writeFile(
      join(dir, 'a.json'),
      JSON.stringify({ name: 'from-file', zone: 'from-file', rack: 'from-file', ...SMALL }),
    );
    const env = { ...setting.env, DATAMESH_INIT_NAME: 'from-env', DATAMESH_INIT_ZONE: 'from-env' };
    const ran = await runCommand(
      initCommand,
      { answers: 'a.json', name: 'from-flag' },
      { ...setting, env, options: { yes: true, dryRun: true } },
    );
    expect(JSON.parse(ran.stdout)).toMatchObject({
      node: { name: 'from-flag' },
      network: { zone: 'from-env', rack: 'from-file' },
    });
  });
});

describe('what is wrong', () => {
  const headless = () => ({ ...setting, options: {} });

  it('D.9-8 without a terminal and --yes: every missing answer at once, exit 2, nothing written', async () => {
    const failure = await runCommand(initCommand, { name: 'a', identity: 'phrase' }, headless()).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'missing-argument', exit: 2 });
    const { missing } = (failure as { details: { missing: string[] } }).details;
    expect(missing).toEqual(
      expect.arrayContaining([
        '--data-dir',
        '--role',
        '--phrase-file',
        '--quota',
        '--redundancy',
        '--network',
        '--history',
      ]),
    );
    expect(missing).not.toContain('--name');
    expect(missing).not.toContain('--key-name');
    expect(missing).not.toContain('--k');
    expect(await readdir(dir)).toEqual([]);
  });

  it('all wrong values at once', async () => {
    const values = { name: 'No Good', up: 'fast', reserve: '99', zone: 'a b' };
    await expect(runCommand(initCommand, values, setting)).rejects.toMatchObject({
      code: 'bad-value',
      exit: 2,
      details: {
        problems: expect.arrayContaining(Object.keys(values).map((id) => expect.objectContaining({ id }))),
      },
    });
    expect(await readdir(dir)).toEqual([]);
  });

  it('a k that is none is told of k alone', async () => {
    await expect(
      runCommand(initCommand, { redundancy: 'custom', k: 'x', yes: true }, setting),
    ).rejects.toMatchObject({ message: '--k: k is a whole number from 1 to 254' });
  });

  it('an unknown key of an answers file, with a suggestion', async () => {
    await writeFile(join(dir, 'a.json'), '{"quotta": "1GiB"}');
    await expect(runCommand(initCommand, { answers: 'a.json' }, setting)).rejects.toMatchObject({
      code: 'unknown-option',
      exit: 2,
      message: expect.stringContaining('"quotta"'),
      mend: 'did you mean quota?',
    });
  });

  it('an unknown variable, with a suggestion', async () => {
    const env = { ...setting.env, DATAMESH_INIT_QUOTTA: '1GiB' };
    await expect(runCommand(initCommand, {}, { ...setting, env })).rejects.toMatchObject({
      code: 'unknown-option',
      mend: 'did you mean quota?',
    });
  });

  it.each([
    ['no JSON', 'name: x'],
    ['a list', '[]'],
    ['a nested answer', '{"name": {"first": "x"}}'],
  ])('an answers file with %s', async (_, text) => {
    await writeFile(join(dir, 'a.json'), text);
    await expect(runCommand(initCommand, { answers: 'a.json' }, setting)).rejects.toMatchObject({
      code: 'bad-value',
      exit: 2,
    });
  });

  it('a folder with other things in it, or inside that of the configuration', async () => {
    await mkdir(join(dir, 'full'));
    await writeFile(join(dir, 'full', 'thesis.tex'), '');
    for (const [dataDir, problem] of [
      ['full', 'other files (thesis.tex)'],
      ['config/datamesh/data', 'folder of the configuration'],
    ] as const) {
      await expect(runCommand(initCommand, { 'data-dir': dataDir, ...SMALL }, setting)).rejects.toMatchObject(
        {
          code: 'bad-value',
          message: expect.stringContaining(problem),
        },
      );
    }
  });

  it('files that are not there, or asked for twice on standard input', async () => {
    await expect(runCommand(initCommand, { answers: 'none.json' }, setting)).rejects.toMatchObject({
      code: 'file-not-found',
      exit: 8,
    });
    const twice = { answers: '-', 'phrase-file': '-', identity: 'phrase' };
    await expect(runCommand(initCommand, twice, { ...setting, stdin: PHRASE })).rejects.toMatchObject({
      code: 'bad-value',
    });
  });

  it('a phrase with a wrong checksum', async () => {
    const words = PHRASE.split(' ');
    const stdin = [words[1], words[0], ...words.slice(2)].join(' ');
    // Two equal words cannot tell; these differ.
    expect(words[0]).not.toBe(words[1]);
    await expect(
      runCommand(initCommand, { ...SMALL, identity: 'phrase', 'phrase-file': '-' }, { ...setting, stdin }),
    ).rejects.toMatchObject({
      code: 'bad-value',
      message: expect.stringContaining('checksum'),
    });
  });
});

describe('questions and answers for programs', () => {
  it('prints questions that cover every flag, with types and defaults', async () => {
    const ran = await runCommand(initCommand, { 'print-questions': true }, setting);
    const questions = JSON.parse(ran.stdout) as {
      id: string;
      type: string;
      default: string;
      choices?: unknown[];
    }[];
    expect(questions.map(({ id }) => id)).toEqual(ANSWERABLE.map(({ id }) => id));
    for (const question of questions) {
      expect(typeof question.default).toBe('string');
      if (question.type === 'choice') expect(question.choices!.length).toBeGreaterThan(1);
    }
    expect(await readdir(dir)).toEqual([]);
  });

  it('prints answers that, read again, give the same configuration byte for byte', async () => {
    const values = {
      ...SMALL,
      name: 'beta',
      k: '3',
      n: '5',
      up: '2MiB/s',
      allow: ['a'.repeat(64)],
      history: 'no',
    };
    const printed = await runCommand(initCommand, { ...values, 'print-answers': true }, setting);
    await runCommand(initCommand, { answers: '-' }, { ...setting, stdin: printed.stdout, options: {} });
    const fromAnswers = await readFile(configPath, 'utf8');
    await rm(join(dir, 'config'), { recursive: true });
    await rm(join(dir, 'data'), { recursive: true });
    await runCommand(initCommand, values, setting);
    expect(await readFile(configPath, 'utf8')).toBe(fromAnswers);
  });

  it('has one flag for each question, with the same values', () => {
    expect(QUESTION_OPTIONS.map(({ name }) => name).sort()).toEqual(ANSWERABLE.map(({ id }) => id).sort());
    const withKeys = testFacts();
    withKeys.disks = { '/data/datamesh': { ...withKeys.disks['/data/datamesh']!, keys: ['main'] } };
    const context = contextOf(withKeys, {}, {});
    for (const question of ANSWERABLE) {
      const option = QUESTION_OPTIONS.find(({ name }) => name === question.id)!;
      const values = option.type?.kind === 'enum' ? [...option.type.values].sort() : undefined;
      if (question.kind === 'choice')
        expect(values, question.id).toEqual(
          choicesOf(question, context)
            .map(({ value }) => value)
            .sort(),
        );
      expect(option.repeatable === true, question.id).toBe(question.kind === 'list');
    }
  });
});

describe('the wizard on a terminal', () => {
  it('D.9-7 writes the same configuration as the flags, byte for byte', async () => {
    const request = { configPath, env: setting.env, random: realRandom() };
    const facts = await gatherFacts(request);
    const machine = createWizard({ ...request, facts });
    const answers: Record<string, string> = {
      name: 'beta',
      quota: '10MiB',
      up: '2MiB/s',
      allow: 'a'.repeat(64),
    };
    await walk(machine, answers);
    expect(machine.getState().screen).toBe('done');
    machine.key('', { return: true });
    const outcome = await machine.done;
    expect(outcome).toMatchObject({ kind: 'written', configPath, openConsole: true });
    const byWizard = await readFile(configPath, 'utf8');
    await rm(join(dir, 'config'), { recursive: true });
    await rm(join(dir, 'data'), { recursive: true });
    await runCommand(initCommand, answers, setting);
    expect(await readFile(configPath, 'utf8')).toBe(byWizard);
  });

  it('left at any moment, has written nothing', async () => {
    const request = { configPath, env: setting.env, random: realRandom() };
    const machine = createWizard({ ...request, facts: await gatherFacts(request) });
    await walk(machine, { quota: '10MiB' }, 'review');
    machine.key('c', { ctrl: true });
    machine.key('c', { ctrl: true });
    expect(await machine.done).toEqual({ kind: 'left' });
    expect(await readdir(dir)).toEqual([]);
  });
});

/** Enter after Enter, typing an answer where there is one, until the screen is reached. */
async function walk(
  machine: WizardMachine,
  answers: Record<string, string>,
  until: 'review' | 'done' = 'done',
): Promise<void> {
  for (let i = 0; i < 400 && machine.getState().screen !== until; i++) {
    const { question, facts, busy } = machine.getState();
    if (busy === undefined) {
      const { words, ask } = facts.newPhrase;
      const typed =
        question === 'word-one'
          ? words[ask[0]]
          : question === 'word-two'
            ? words[ask[1]]
            : answers[question ?? ''];
      if (typed !== undefined) machine.text(question!, typed);
      machine.key('', { return: true });
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
