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
    child.once('exit', (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
      reject(
        new DatameshError('failed', {
          what: `the editor "${editor}" ${how}; nothing was changed`,
          mend: signal === null ? 'set VISUAL or EDITOR to an editor' : 'open it again',
        }),
      );
    });
  });
}
