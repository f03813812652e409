import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirs } from '../../engine/effects/make-dirs.ts';
import { DatameshError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { text } from '../fields.ts';

export const manCommand: Command = {
  path: ['man'],
  group: 'start',
  summary: 'Print the manual page of a command, or write all of them to a folder',
  args: [
    {
      name: 'words',
      type: { kind: 'command' },
      summary: 'A command; datamesh(1) when left out',
      required: false,
      variadic: true,
    },
  ],
  options: [{ name: 'dir', type: { kind: 'path' }, summary: 'Write every page to this folder' }],
  examples: [
    { line: 'datamesh man put', note: 'to be read with: datamesh man put | man -l -' },
    { line: 'datamesh man --dir man/man1', note: 'all pages, to be found by MANPATH=man' },
    { line: 'datamesh man --dir man/man1 --json', note: 'which files were written, for a script' },
  ],
  effects: 'writes',
  fields: { page: text, file: text },
  needs: 'nothing',
  shape: 'list',
  columns: [
    { key: 'page', title: 'PAGE' },
    { key: 'file', title: 'FILE' },
  ],
  async run({ out, cwd, options }, values) {
    const [{ wholeRegistry }, { commandPage, manPages }] = await Promise.all([
      import('../all.ts'),
      import('../format/man-page.ts'),
    ]);
    const registry = wholeRegistry();
    const pages = manPages(registry);
    if (values.dir !== undefined) {
      const folder = resolve(cwd, values.dir as string);
      if (!options.dryRun) await makeDirs(folder);
      for (const { file, text: page } of pages) {
        const path = join(folder, file);
        if (!options.dryRun) await writeFile(path, page);
        out.record({ ...(options.dryRun ? { dryRun: true } : {}), page: file, file: path });
      }
      return;
    }
    const words = (values.words as string[] | undefined) ?? [];
    const found = registry.find(words);
    if (words.length > 0 && found?.length !== words.length) {
      throw new DatameshError('unknown-command', {
        what: `there is no command '${words.join(' ')}'`,
        mend: "see 'datamesh help'",
      });
    }
    const page = found === undefined ? pages[0]!.text : commandPage(found.command);
    await out.bytes(Buffer.from(page));
  },
};
