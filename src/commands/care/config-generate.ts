import { defaultConfig, fieldOf } from '../../config/fields.ts';
import { defaultDataDir } from '../../config/paths.ts';
import { parseFieldText } from '../../config/values.ts';
import type { Command } from '../command.ts';

export const configGenerateCommand: Command = {
  path: ['config', 'generate'],
  group: 'care',
  summary: 'Print a complete configuration with every default, its JSON Schema, or its documentation',
  description: 'Nothing is written: a new node is set up with datamesh init.',
  args: [],
  options: [
    { name: 'name', type: { kind: 'string' }, summary: 'Name of the node in it', default: 'node' },
    { name: 'schema', excludes: ['document', 'name'], summary: 'The JSON Schema of the file, for editors' },
    {
      name: 'document',
      excludes: ['name'],
      summary: 'Every field with its default, variable and meaning, as Markdown',
    },
  ],
  examples: [
    { line: 'datamesh config generate', note: 'look at all defaults' },
    { line: 'datamesh config generate --name attic > config.json', note: 'a file to begin with' },
    { line: 'datamesh config generate --schema > datamesh.schema.json', note: 'for an editor' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run(context, values) {
    const { configDocument, configSchema } = await import('../../config/document.ts');
    if (values.document === true) return context.out.bytes(Buffer.from(configDocument()));
    const name = (values.name as string | undefined) ?? 'node';
    parseFieldText(fieldOf('node.name')!, name, '--name');
    const shown =
      values.schema === true ? configSchema() : defaultConfig({ name, dataDir: defaultDataDir(context.env) });
    await context.out.bytes(Buffer.from(`${JSON.stringify(shown, null, 2)}\n`));
  },
};
