/** The person's own editor on a file; the caller has the terminal to give away. */
import { spawn } from 'node:child_process';
import { DatameshError } from '../errors.ts';
import type { Context } from './command.ts';

/** $VISUAL and $EDITOR may hold arguments ("code --wait"), so a shell reads them, with the file as its argument. Throws `failed`. */
export function runEditor(context: Pick<Context, 'env' | 'signal'>, file: string): Promise<void> {
  const editor = context.env.VISUAL || context.env.EDITOR || 'vi';
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], {
      stdio: 'inherit',
      signal: context.signal,
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) return resolve();
      reject(
        new DatameshError('failed', {
          what: `the editor "${editor}" ended with status ${code}; nothing was changed`,
          mend: 'set VISUAL or EDITOR to an editor',
        }),
      );
    });
  });
}
