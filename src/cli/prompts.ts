/** Questions on the terminal of a one-shot command. They go to stderr, so that stdout stays what was asked for. */
import { readFile } from 'node:fs/promises';
import type { Context } from '../commands/command.ts';
import { safeText } from '../commands/format/safe-text.ts';
import { DatameshError } from '../errors.ts';

/** Throws `confirmation-needed` where there is nobody to ask. Anything but y or yes is no. */
export async function askYesNo(question: string, mayAsk: boolean, signal: AbortSignal): Promise<boolean> {
  if (!mayAsk) {
    throw new DatameshError('confirmation-needed', {
      what: `this needs an answer: ${question}`,
      mend: 'add --yes',
    });
  }
  const answer = await readLine(`${safeText(question)} [y/N] `, true, signal);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

/** The order in which a passphrase is looked for. Undefined when nobody gives one. */
export async function findSecret(
  prompt: string,
  sources: { file: string | undefined; env: Context['env']; mayAsk: boolean; signal: AbortSignal },
): Promise<string | undefined> {
  const file = sources.file ?? sources.env.DATAMESH_PASSPHRASE_FILE;
  if (file !== undefined && file !== '') {
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      throw new DatameshError(missing ? 'file-not-found' : 'file-denied', {
        what: `the passphrase file ${file} ${missing ? 'does not exist' : 'cannot be read'}`,
        mend: 'check --passphrase-file and DATAMESH_PASSPHRASE_FILE',
        cause,
      });
    });
    return text.replace(/\r?\n$/, '');
  }
  const fromEnv = sources.env.DATAMESH_PASSPHRASE;
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  return sources.mayAsk ? readLine(`${safeText(prompt)}: `, false, sources.signal) : undefined;
}

/** One line from the terminal, without echo when `echo` is false. Undefined at its end (Ctrl-D). */
export function readLine(prompt: string, echo: boolean, signal: AbortSignal): Promise<string | undefined> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let line = '';
    const finish = (settle: () => void) => {
      stdin.off('data', onData).off('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onAbort = () => finish(() => reject(signal.reason));
    const onEnd = () => finish(() => resolve(undefined));
    const onData = (text: string) => {
      for (const char of text) {
        if (char === '\r' || char === '\n') return finish(() => resolve(line));
        if (char === '\x03') {
          return finish(() => reject(new DatameshError('cancelled', { what: 'cancelled' })));
        }
        if (char === '\x04' && line === '') return finish(() => resolve(undefined));
        if (char === '\x7f' || char === '\b') {
          if (echo && line !== '') stderr.write('\b \b');
          line = [...line].slice(0, -1).join('');
        } else if (char === '\x15') {
          if (echo) stderr.write('\b \b'.repeat([...line].length));
          line = '';
        } else if (char >= ' ') {
          line += char;
          if (echo) stderr.write(char);
        }
      }
    };
    stderr.write(prompt);
    stdin.setEncoding('utf8');
    // Raw, also with echo: the terminal's own line editing would show a secret.
    stdin.setRawMode(true);
    stdin.on('data', onData).on('end', onEnd);
    stdin.resume();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
