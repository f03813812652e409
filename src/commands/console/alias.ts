import { DatameshError, EXIT } from '../../errors.ts';
import { type Fields, text } from '../fields.ts';
import { consoleCommandOf } from './port.ts';

/** More are a script: see `source`. */
const MAX_ALIASES = 200;

const ALIAS_FIELDS: Fields = { name: text, line: text };

export const aliasCommand = consoleCommandOf({
  path: ['alias'],
  summary: 'Show aliases, or give a line a short name',
  description: `An alias stands for the beginning of a command and is put in its place once, so it may bear the name of what it calls. It holds until the
    console ends; source reads aliases from nowhere, for a script has none. An alias with nothing behind the = is forgotten.`,
  takesLine: true,
  args: [
    { name: 'line', type: { kind: 'string' }, summary: "NAME='LINE', or NAME to show it", required: false },
  ],
  options: [],
  examples: [
    { line: "alias big='list --sort size --reverse --limit 10'", note: 'then: big' },
    { line: 'alias', note: 'all of them' },
    { line: 'alias big=', note: 'forget it' },
  ],
  effects: 'reads',
  fields: ALIAS_FIELDS,
  shape: 'list',
  columns: [
    { key: 'name', title: 'ALIAS' },
    { key: 'line', title: 'LINE' },
  ],
  async inConsole(_port, values, { out }, { aliases, parse, tell }) {
    const given = (values.line as string | undefined) ?? '';
    const match = /^([A-Za-z_][\w-]*)(?:\s*=\s*([\s\S]*))?$/.exec(given);
    const [, name, quoted] = match ?? [];
    if (given !== '' && name === undefined) {
      throw new DatameshError('bad-value', {
        what: `'${given.slice(0, 40)}' is no alias`,
        mend: "write: alias NAME='LINE'; a name begins with a letter",
      });
    }
    if (name === undefined || quoted === undefined) {
      const shown = [...aliases].filter(([each]) => name === undefined || each === name);
      for (const [each, line] of shown) out.record({ name: each, line });
      if (shown.length > 0) return EXIT.ok;
      if (name === undefined) out.note("there is no alias; write: alias NAME='LINE'");
      else throw new DatameshError('not-found', { what: `there is no alias '${name}'` });
      return EXIT.ok;
    }
    const line = unquoted(quoted).trim();
    if (line === '') {
      aliases.delete(name);
      out.note(`'${name}' is no alias any more`);
      return EXIT.ok;
    }
    const { diagnostics } = parse(line);
    // Arguments may come later; a command that does not exist never does.
    const unknown = diagnostics.filter(({ code }) => code === 'unknown-command' || code === 'syntax');
    if (unknown.length > 0) {
      tell(unknown);
      return EXIT.usage;
    }
    if (!aliases.has(name) && aliases.size >= MAX_ALIASES)
      throw new DatameshError('bad-value', { what: `there are ${MAX_ALIASES} aliases already` });
    aliases.set(name, line);
    out.record({ name, line });
    return EXIT.ok;
  },
});

function unquoted(text: string): string {
  const match = /^(['"])([\s\S]*)\1$/.exec(text.trim());
  return match?.[2] ?? text;
}
