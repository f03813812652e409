import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { configFileExists } from '../../config/store.ts';
import { realRandom } from '../../engine/effects/random.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';
import { INIT_FIELDS } from './fields.ts';
import { INIT_OPTIONS, QUESTION_OPTIONS } from './init-options.ts';

/** A secret or a file of answers is a few kilobytes. */
const MAX_FILE_BYTES = 1024 * 1024;

export const initCommand: Command = {
  path: ['init'],
  group: 'start',
  summary: 'Set up this node: on a terminal with questions, elsewhere with flags',
  description:
    'Makes the configuration, the identity of the node and an owner key. On a terminal it asks; with --yes it takes the defaults for whatever no flag gives. Every question is also a variable: DATAMESH_INIT_QUOTA=50GiB. Secrets never stand on the command line: they come from files or standard input. A new owner key is made of 24 words; write them down with "datamesh keys export main".',
  args: [],
  options: INIT_OPTIONS,
  examples: [
    { line: 'init', note: 'ask on the terminal' },
    { line: 'init --yes --quota 50GiB --network lan', note: 'defaults, but for two answers' },
    { line: 'init --answers answers.json --force --json', note: 'in a script, from a file' },
  ],
  effects: 'writes',
  fields: INIT_FIELDS,
  needs: 'nothing',
  exits: [
    {
      code: EXIT.usage,
      meaning: 'answers are missing or wrong; all of them are listed, nothing was written',
    },
    { code: EXIT.notConfigured, meaning: 'there is a configuration already, and no --force' },
  ],
  columns: [
    { key: 'configPath', title: 'CONFIGURATION' },
    { key: 'dataDir', title: 'DATA' },
    { key: 'peerId', title: 'PEER', format: 'id' },
    { key: 'key', title: 'OWNER KEY' },
    { key: 'ownerId', title: 'OWNER', format: 'id' },
  ],
  shape: 'single',
  async run(context, values) {
    const read = fileReader(context);
    const input = await inputOf(context, values, read);
    const asks =
      context.mode === 'one-shot' &&
      context.interactive &&
      process.stdin.isTTY === true &&
      !context.options.yes &&
      !context.options.dryRun &&
      input.answersFile === undefined &&
      values['print-questions'] !== true &&
      values['print-answers'] !== true;
    return asks ? askOnTerminal(context, input) : setUpFromFlags(context, values, input);
  },
};

type Input = Awaited<ReturnType<typeof inputOf>>;

async function askOnTerminal(context: Context, input: Input): Promise<number> {
  const [{ gatherFacts }, { givenAnswers }, { createWizard }, { runWizard }] = await Promise.all([
    import('../../wizard/gather-facts.ts'),
    import('../../wizard/headless.ts'),
    import('../../wizard/machine.ts'),
    import('../../wizard/ui/run-wizard.tsx'),
  ]);
  const random = realRandom();
  const size = { columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 };
  const request = { configPath: context.configPath(), env: context.env, random, size };
  const facts = await gatherFacts(request);
  const machine = createWizard({ ...request, facts, answers: givenAnswers(input), offersConsole: false });
  const outcome = await runWizard(machine);
  if (outcome.kind === 'left') return EXIT.interrupted;
  if (outcome.kind === 'answers-saved') {
    context.out.note(
      `answers saved in ${outcome.path}; use them with: datamesh init --answers '${outcome.path}'`,
    );
  }
  return EXIT.ok;
}

async function setUpFromFlags(context: Context, values: Values, input: Input): Promise<number> {
  const [{ gatherFacts }, headless, { configOfAnswers }, { checkOn }, write] = await Promise.all([
    import('../../wizard/gather-facts.ts'),
    import('../../wizard/headless.ts'),
    import('../../wizard/config-answers.ts'),
    import('../../wizard/machine.ts'),
    import('../../wizard/write.ts'),
  ]);
  const configPath = context.configPath();
  const random = realRandom();
  const facts = await gatherFacts({ configPath, env: context.env, random });
  if (values['print-questions'] === true) {
    const { contextOf } = await import('../../wizard/context.ts');
    const questions = headless.printableQuestions(contextOf(facts, headless.givenAnswers(input), {}));
    await context.out.bytes(Buffer.from(`${JSON.stringify(questions, null, 2)}\n`));
    return EXIT.ok;
  }
  const onlyPrints = context.options.dryRun || values['print-answers'] === true;
  if (!onlyPrints && values.force !== true && (await configFileExists(configPath))) {
    throw new DatameshError('config-exists', {
      what: `there is a configuration at ${configPath}`,
      mend: 'change single values with "datamesh config set", run "datamesh init" on a terminal to edit it, or replace it with --force',
      details: { path: configPath },
    });
  }
  const { dirname } = await import('node:path');
  const answered = await headless.resolveHeadless({
    ...input,
    facts,
    // An answers file may leave out what has a default; it is meant to be written by hand too.
    yes: context.options.yes,
    check: checkOn(dirname(configPath)),
  });
  if (values['print-answers'] === true) {
    await context.out.bytes(Buffer.from(write.answersJson(answered)));
    return EXIT.ok;
  }
  if (context.options.dryRun) {
    await context.out.bytes(Buffer.from(`${JSON.stringify(configOfAnswers(answered), null, 2)}\n`));
    return EXIT.ok;
  }
  const result = await write.writeSetup(answered, random);
  context.out.record({
    configPath,
    dataDir: result.config.node.dataDir,
    peerId: result.peerId,
    key: result.keyName,
    ownerId: result.ownerId,
  });
  if (answered.value('identity') === 'new') {
    context.out.note(
      `Write down the 24 words of the new owner key, the only way back to its files: datamesh keys export ${result.keyName}`,
    );
  }
  return EXIT.ok;
}

/** Flags as answers, and the contents of the files that the command line names. */
async function inputOf(context: Context, values: Values, read: (path: string) => Promise<string>) {
  const flags: Record<string, string> = {};
  for (const { name, type } of QUESTION_OPTIONS) {
    const value = values[name];
    if (value === undefined) continue;
    const texts = (Array.isArray(value) ? value : [value]).map(String);
    flags[name] = type?.kind === 'path' ? resolve(context.cwd, texts[0]!) : texts.join(',');
  }
  // k and n alone are a code of one's own.
  if ((flags.k ?? flags.n) !== undefined) flags.redundancy ??= 'custom';
  const passphraseFile = values['passphrase-stdin'] === true ? '-' : values['passphrase-file'];
  const secrets: Record<string, string> = {};
  for (const [id, path] of [
    ['phrase', values['phrase-file']],
    ['key-passphrase', values['key-passphrase-file']],
    ['passphrase', passphraseFile],
  ] as const) {
    if (typeof path === 'string') secrets[id] = (await read(path)).replace(/\r?\n$/, '');
  }
  if (secrets.passphrase !== undefined) secrets['passphrase-again'] = secrets.passphrase;
  const answers = values.answers;
  const answersFile =
    typeof answers === 'string'
      ? { name: answers === '-' ? 'standard input' : answers, text: await read(answers) }
      : undefined;
  return { flags, secrets, answersFile, env: context.env };
}

/** Reads small files and, once, standard input. Throws `file-not-found`, `file-denied`, `input-too-large`, `bad-value`. */
function fileReader(context: Context): (path: string) => Promise<string> {
  let stdinTaken = false;
  return async (path) => {
    if (path !== '-') return readSmallFile(resolve(context.cwd, path));
    if (stdinTaken) {
      throw new DatameshError('bad-value', {
        what: 'standard input can be read for one option only',
        mend: 'put the others in files',
      });
    }
    stdinTaken = true;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of context.stdin()) {
      bytes += chunk.length;
      if (bytes > MAX_FILE_BYTES) throw tooLarge('standard input');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  };
}

async function readSmallFile(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_FILE_BYTES) throw tooLarge(path);
    return bytes.toString('utf8');
  } catch (cause) {
    if (cause instanceof DatameshError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EISDIR')
      throw new DatameshError('is-a-directory', { what: `${path} is a folder`, mend: 'name a file', cause });
    throw new DatameshError(code === 'ENOENT' ? 'file-not-found' : 'file-denied', {
      what: `${path} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}`,
      mend: 'check the path and its mode',
      cause,
    });
  }
}

function tooLarge(name: string): DatameshError {
  return new DatameshError('input-too-large', {
    what: `${name} is larger than ${MAX_FILE_BYTES} bytes`,
    mend: 'is it the right file?',
  });
}
