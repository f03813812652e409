/** Ctrl-X Ctrl-E: the line of the prompt as a file in the person's editor. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../commands/command.ts';
import { runEditor } from '../commands/edit-file.ts';
import { DatameshError } from '../errors.ts';
import { MAX_LINE_UNITS } from '../repl/editor.ts';

/** The text as it was saved, without the line end that editors add. The file is in a folder of its own that only this user may enter. */
export async function editInFile(text: string, env: Context['env']): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'datamesh-line-'));
  try {
    const file = join(folder, 'line.dm');
    await writeFile(file, `${text}\n`, { mode: 0o600 });
    await runEditor({ env, signal: new AbortController().signal }, file);
    const edited = (await readFile(file, 'utf8')).replace(/\r\n/g, '\n').replace(/\n+$/, '');
    if (edited.length <= MAX_LINE_UNITS) return edited;
    throw new DatameshError('input-too-large', {
      what: `the edited line has ${edited.length} characters`,
      mend: `a line may have ${MAX_LINE_UNITS}; longer scripts are for: datamesh batch -f FILE`,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
