/** `config …`: reading and changing the configuration file. */
import { changing } from '../../config/changing.ts';
import {
  CONFIG_FIELDS,
  CONFIG_VERSION,
  type ConfigField,
  envNameOf,
  type FieldValue,
  fieldOf,
  valueAt,
} from '../../config/fields.ts';
import { isGroup, migrated } from '../../config/migrate.ts';
import { loadConfig, needKnown, type ResolvedConfig, resolveConfig } from '../../config/resolve.ts';
import { hasKey, readConfigFile, setInFile, unsetInFile } from '../../config/store.ts';
import { type ConfigProblem, needKnownVersion } from '../../config/validate.ts';
import { formatField, parseFieldText } from '../../config/values.ts';
import { DatameshError } from '../../errors.ts';
import type { ArgSpec, Column, Command, Context, OutputRecord } from '../command.ts';
import { forPrograms } from '../for-programs.ts';
import { tellAboutEffect } from './config-effect.ts';
import { configGenerateCommand } from './config-generate.ts';
import { editConfig } from './edit-config.ts';
import {
  CONFIG_FIELD_FIELDS,
  CONFIG_PATH_FIELDS,
  CONFIG_UNSET_FIELDS,
  CONFIG_VALID_FIELDS,
} from './fields.ts';

const KEY_ARG: ArgSpec = {
  name: 'key',
  type: { kind: 'config-key' },
  summary: 'Field, e.g. storage.quotaBytes',
  required: true,
};

const COLUMNS: readonly Column[] = [
  { key: 'key', title: 'KEY' },
  { key: 'text', title: 'VALUE' },
  { key: 'origin', title: 'FROM' },
  { key: 'source', title: 'SOURCE', priority: 3 },
  { key: 'summary', title: 'MEANING', priority: 2 },
];

const getCommand: Command = {
  path: ['config', 'get'],
  group: 'care',
  summary: 'Print the value in force for one field',
  args: [KEY_ARG],
  options: [],
  examples: [
    { line: 'config get node.name', note: 'the value alone' },
    { line: 'config get storage.quotaBytes --json', note: 'with its origin' },
    { line: 'config get node.dataDir', note: 'for a script' },
  ],
  effects: 'reads',
  fields: CONFIG_FIELD_FIELDS,
  needs: 'config',
  columns: COLUMNS,
  shape: 'single',
  async run(context, values) {
    const field = needField(values.key);
    const resolved = await load(context);
    const record = recordOf(field, resolved);
    if (forPrograms(context)) context.out.record(record);
    else await context.out.bytes(Buffer.from(`${record.text}\n`));
  },
};

const listCommand: Command = {
  path: ['config', 'list'],
  synonyms: [['config', 'ls']],
  group: 'care',
  summary: 'List every field, its value and where the value comes from',
  description: 'A flag beats a DATAMESH_… variable, which beats the file, which beats the default.',
  args: [],
  options: [],
  examples: [
    { line: 'config list', note: 'all fields' },
    { line: 'config list --wide', note: 'with the source and the meaning of each' },
    { line: 'config list --json=key,value,origin', note: 'for a script' },
  ],
  effects: 'reads',
  fields: CONFIG_FIELD_FIELDS,
  needs: 'config',
  columns: COLUMNS,
  shape: 'list',
  async run(context) {
    const resolved = await load(context);
    for (const field of CONFIG_FIELDS) context.out.record(recordOf(field, resolved));
  },
};

const setCommand: Command = {
  path: ['config', 'set'],
  group: 'care',
  summary: 'Change one field in the file',
  description:
    'The value is checked first, and the file as it was is kept beside it as .bak. Sizes may carry units (50GiB), lists are separated by blanks or commas.',
  args: [
    KEY_ARG,
    { name: 'value', type: { kind: 'string' }, summary: 'New value', required: true, variadic: true },
  ],
  options: [],
  examples: [
    { line: 'config set storage.quotaBytes 50GiB', note: 'offer 50 GiB' },
    { line: 'config set bandwidth.upBytesPerSecond 2MiB/s', note: 'leave room on the line' },
    { line: 'config set redundancy.m 3 --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: CONFIG_FIELD_FIELDS,
  needs: 'nothing',
  columns: COLUMNS,
  shape: 'single',
  async run(context, values) {
    const field = needField(values.key);
    const words = ([] as unknown[]).concat(values.value).map(String);
    const value = parseFieldText(field, words.join(field.kind === 'list' ? ',' : ' '), field.key);
    const path = context.configPath();
    const { dryRun } = context.options;
    const change = async () => {
      const before = await fileAt(path);
      // What contradicts another field is refused; a file that was wrong before may be mended field by field.
      const next = withValue(before, field.key, value);
      const wasValid = problemOf(() => resolveConfig(before, path, { env: {} })) === undefined;
      const found = problemOf(() => resolveConfig(next, path, { env: {} }));
      if (found !== undefined && wasValid) throw contradiction(found, field.key);
      if (!dryRun) await setInFile(path, field.key, value);
      return found;
    };
    const problem = await changing(path, change, !dryRun);
    context.out.record({
      ...(dryRun ? { dryRun } : {}),
      key: field.key,
      value,
      text: formatField(field, value),
      origin: 'file',
      source: path,
      summary: field.summary,
    });
    if (problem !== undefined) context.out.warn(problem.message);
    if (dryRun) context.out.note('nothing was changed (--dry-run)');
    await tellAboutEffect(context, [field]);
  },
};

/** The file is right; it is the new value that does not go with the rest of it. */
function contradiction(problem: DatameshError, key: string): DatameshError {
  const problems = (problem.details?.problems ?? []) as readonly ConfigProblem[];
  if (problem.code !== 'config-invalid' || problems.length === 0) return problem;
  return new DatameshError('config-invalid', {
    what: `this value of ${key} does not go with the other settings: ${problems.map((it) => it.problem).join('; ')}`,
    mend: 'set the other one first, or choose another value; nothing was changed',
    details: problem.details,
  });
}

const unsetCommand: Command = {
  path: ['config', 'unset'],
  group: 'care',
  summary: 'Take one field out of the file, so that its default holds',
  description: 'Also removes a key that is not known, such as a misspelt one.',
  args: [KEY_ARG],
  options: [],
  examples: [
    { line: 'config unset network.zone', note: 'no zone any more' },
    { line: 'config unset storage.quotaBytes --dry-run', note: 'only look' },
    { line: 'config unset network.prot --json', note: 'remove a misspelt key, in a script' },
  ],
  effects: 'writes',
  fields: CONFIG_UNSET_FIELDS,
  needs: 'nothing',
  columns: [
    { key: 'key', title: 'KEY' },
    { key: 'removed', title: 'REMOVED', format: 'yesno' },
  ],
  shape: 'single',
  async run(context, values) {
    const key = String(values.key);
    const path = context.configPath();
    const { dryRun } = context.options;
    const change = async () => {
      const before = await fileAt(path);
      const found = hasKey(before, key);
      // The version says how to read the rest; a group is many fields.
      const isGroupOfFields =
        isGroup(before[key]) && CONFIG_FIELDS.some((it) => it.key.startsWith(`${key}.`));
      if (fieldOf(key) === undefined && (key === 'version' || !found || isGroupOfFields)) needField(key);
      if (found && !dryRun) await unsetInFile(path, key);
      return found;
    };
    const there = await changing(path, change, !dryRun);
    context.out.record({ ...(dryRun ? { dryRun } : {}), key, removed: there && !dryRun });
    if (dryRun)
      context.out.note(`${there ? `${key} would be removed: ` : ''}nothing was changed (--dry-run)`);
    const field = fieldOf(key);
    if (there && field !== undefined) await tellAboutEffect(context, [field]);
  },
};

const pathCommand: Command = {
  path: ['config', 'path'],
  group: 'care',
  summary: 'Print where the configuration file lies',
  args: [],
  options: [],
  examples: [
    { line: 'config path', note: 'the file in force' },
    { line: 'config path --config other.json', note: 'the file a flag chooses' },
    { line: 'config path --json', note: 'for a script' },
  ],
  effects: 'reads',
  fields: CONFIG_PATH_FIELDS,
  needs: 'nothing',
  columns: [{ key: 'path', title: 'PATH' }],
  shape: 'single',
  async run(context) {
    if (forPrograms(context)) context.out.record({ path: context.configPath() });
    else await context.out.bytes(Buffer.from(`${context.configPath()}\n`));
  },
};

const validateCommand: Command = {
  path: ['config', 'validate'],
  group: 'care',
  summary: 'Check the configuration, environment included',
  args: [],
  options: [],
  examples: [
    { line: 'config validate', note: 'exit 0 when it is right' },
    { line: 'config validate --config new.json', note: 'check a file before using it' },
    { line: 'config validate --json', note: 'for a script; problems are in the error' },
  ],
  effects: 'reads',
  fields: CONFIG_VALID_FIELDS,
  needs: 'nothing',
  columns: [
    { key: 'path', title: 'PATH' },
    { key: 'valid', title: 'VALID', format: 'yesno' },
  ],
  shape: 'single',
  async run(context) {
    await load(context);
    context.out.record({ path: context.configPath(), valid: true });
  },
};

const editCommand: Command = {
  path: ['config', 'edit'],
  group: 'care',
  summary: 'Open the configuration in your editor, and check it before it is used',
  description:
    'Uses $VISUAL or $EDITOR on a copy. What does not pass the checks is not taken over; the copy stays for another try. What other processes change meanwhile is kept; where it is the same field, nothing is replaced and you are told.',
  args: [],
  options: [],
  examples: [
    { line: 'config edit', note: 'in your editor' },
    { line: 'config edit --config other.json', note: 'another file' },
    { line: 'config edit --no-input', note: 'fails at once: a script uses config set' },
  ],
  effects: 'writes',
  needs: 'nothing',
  async run(context) {
    await editConfig(context);
  },
};

export const configCommands: readonly Command[] = [
  getCommand,
  setCommand,
  unsetCommand,
  listCommand,
  pathCommand,
  editCommand,
  validateCommand,
  configGenerateCommand,
];

function load(context: Context): Promise<ResolvedConfig> {
  const { dataDir } = context.options as { dataDir?: string };
  return loadConfig({
    flag: context.configPath(),
    env: context.env,
    cwd: context.cwd,
    overrides: dataDir === undefined ? undefined : { 'node.dataDir': dataDir },
  });
}

function recordOf(field: ConfigField, { config, origins }: ResolvedConfig): OutputRecord {
  const value = valueAt(config, field.key) as FieldValue;
  const { layer, source } = origins[field.key]!;
  return {
    key: field.key,
    value,
    text: formatField(field, value),
    origin: layer,
    source,
    summary: field.summary,
    env: envNameOf(field.key),
  };
}

function needField(key: unknown): ConfigField {
  needKnown([String(key)]);
  return fieldOf(String(key))!;
}

function withValue(file: Record<string, unknown>, key: string, value: FieldValue): Record<string, unknown> {
  const [group, name] = key.split('.') as [string, string];
  const inner = file[group];
  const others = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  return { version: CONFIG_VERSION, ...file, [group]: { ...others, [name]: value } };
}

function problemOf(action: () => unknown): DatameshError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof DatameshError) return error;
    throw error;
  }
}

/** As this version reads it. */
async function fileAt(path: string): Promise<Record<string, unknown>> {
  const found = await readConfigFile(path);
  if (found === undefined) throw notConfigured(path);
  needKnownVersion(found, path);
  return migrated(found);
}

function notConfigured(path: string): DatameshError {
  return new DatameshError('not-configured', {
    what: `there is no configuration at ${path}`,
    mend: 'make one with: datamesh init',
  });
}
