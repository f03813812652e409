/** What is made from the tables of commands, keys and configuration fields: path below the root → text. */

import { wholeRegistry } from '../../src/commands/all.ts';
import { manPages } from '../../src/commands/format/man-page.ts';
import { commandsMarkdown, exitCodesMarkdown, keysMarkdown } from '../../src/commands/format/manual.ts';
import { publishedSchemas } from '../../src/commands/format/schema.ts';
import { TOPICS } from '../../src/commands/start/help-topics.ts';
import { configDocument } from '../../src/config/document.ts';
import { KEY_ACTIONS, KEY_PLACES } from '../../src/repl/key-table.ts';
import { VI_KEYS } from '../../src/repl/vi.ts';

export function generatedFiles() {
  const registry = wholeRegistry();
  const exitCodes = TOPICS.find(({ name }) => name === 'exit-codes').lines();
  return new Map([
    ['docs/CLI.md', commandsMarkdown(registry)],
    ['docs/CONFIG.md', configDocument()],
    ['docs/EXIT_CODES.md', exitCodesMarkdown(exitCodes)],
    ['docs/KEYS.md', keysMarkdown(KEY_PLACES, KEY_ACTIONS, VI_KEYS)],
    ...[...publishedSchemas(registry.commands)].map(([name, schema]) => [
      `docs/schemas/${name}.json`,
      `${JSON.stringify(schema, null, 2)}\n`,
    ]),
    ...manPages(registry).map(({ file, text }) => [`man/${file}`, text]),
  ]);
}
