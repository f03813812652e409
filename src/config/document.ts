/** The table of fields as a document for people and as a JSON Schema for editors. */
import {
  CONFIG_FIELDS,
  CONFIG_VERSION,
  type ConfigField,
  defaultConfig,
  envNameOf,
  type FieldValue,
  valueAt,
} from './fields.ts';
import { formatField, kindText } from './values.ts';

/** In place of what differs from machine to machine. */
const EXAMPLE = { name: 'NAME', dataDir: '/DATA' };
const OF_MACHINE: Readonly<Record<string, string>> = {
  'node.name': 'the machine’s name',
  'node.dataDir': '`$XDG_DATA_HOME/datamesh`',
};

export function configDocument(): string {
  const defaults = defaultConfig(EXAMPLE);
  const rows = CONFIG_FIELDS.map((field) => {
    const value = valueAt(defaults, field.key) as FieldValue;
    const text =
      OF_MACHINE[field.key] ??
      (formatField(field, value) === '' ? 'empty' : `\`${formatField(field, value)}\``);
    const cells = [
      `\`${field.key}\``,
      kindText(field),
      text,
      `\`${envNameOf(field.key)}\``,
      field.restart ? 'restart' : 'at once',
      field.summary,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `# Configuration

One JSON file, \`$XDG_CONFIG_HOME/datamesh/config.json\` unless \`--config\` or \`DATAMESH_CONFIG\` names another; mode 0600. What it leaves out has its default. A
flag beats a variable, which beats the file, which beats the default; \`datamesh config list\` shows where each value comes from. Sizes and
rates may carry units (\`50GiB\`, \`2MiB/s\`) in variables and commands; in the file they are numbers of bytes. Secrets are not in it: a protected keyring is opened with
\`--passphrase-file\`, \`DATAMESH_PASSPHRASE_FILE\` or, seen by others, \`DATAMESH_PASSPHRASE\`.

\`datamesh config set KEY VALUE\` checks a value before it writes it, keeps the file of before as \`.bak\`, waits while another process changes it (the lock is \`config.json.LOCK.guard\`), and tells the running service, which takes up at once what the table
says; so does SIGHUP. Files of older versions (this one writes version ${CONFIG_VERSION}) are understood, and kept as \`.v1\` … when they are rewritten. \`datamesh config generate\` prints a
complete file, with \`--schema\` its JSON Schema.

| key | value | default | variable | taken up | meaning |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** Of draft 2020-12; what a check of ours says beyond it, \`datamesh config validate\` does. */
export function configSchema(): Record<string, unknown> {
  const groups: Record<string, Record<string, unknown>> = {};
  const defaults = defaultConfig(EXAMPLE);
  for (const field of CONFIG_FIELDS) {
    const [group, name] = field.key.split('.') as [string, string];
    const own = OF_MACHINE[field.key] === undefined ? { default: valueAt(defaults, field.key) } : {};
    (groups[group] ??= {})[name] = { ...typeOf(field), description: field.summary, ...own };
  }
  const properties = Object.fromEntries(
    Object.entries(groups).map(([group, fields]) => [
      group,
      { type: 'object', properties: fields, additionalProperties: false },
    ]),
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'datamesh configuration',
    type: 'object',
    required: ['version'],
    properties: { version: { const: CONFIG_VERSION }, ...properties },
    additionalProperties: false,
  };
}

function typeOf({ kind, values }: ConfigField): Record<string, unknown> {
  switch (kind) {
    case 'string':
      return { type: 'string' };
    case 'enum':
      return { enum: values };
    case 'boolean':
      return { type: 'boolean' };
    case 'list':
      return { type: 'array', items: { type: 'string' }, uniqueItems: true };
    case 'integer':
    case 'size':
    case 'rate':
      return { type: 'integer', minimum: 0 };
  }
}
