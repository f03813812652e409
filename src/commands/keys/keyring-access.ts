/** How the key commands reach keyring, passphrases and phrases: never from the command line itself. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { needDataFolder } from '../../config/data-folder.ts';
import { realClock } from '../../engine/effects/clock.ts';
import { realRandom } from '../../engine/effects/random.ts';
import { realDisk } from '../../engine/effects/real-disk.ts';
import type { KeyInfo, Keyring } from '../../engine/keys/keyring.ts';
import { openLockedKeyring } from '../../engine/keys/locked-keyring.ts';
import { MIN_BITS, passphraseStrength } from '../../engine/keys/strength.ts';
import { dataPaths } from '../../engine/options.ts';
import { DatameshError } from '../../errors.ts';
import type { Context, OutputRecord } from '../command.ts';

/** 24 words take 215 bytes, an exported key 600. */
const MAX_SECRET_BYTES = 64 * 1024;

/** The keyring of the configured node; secrets that are locked stay so. */
export async function keyringOf(context: Context, passphrase?: string): Promise<Keyring> {
  const { node } = await context.config();
  await needDataFolder(node.dataDir);
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  return openLockedKeyring(effects, dataPaths(node.dataDir).keyring, passphrase);
}

/** The keyring, with the passphrase when the keys named (all of them by default) need one. Throws `wrong-passphrase`. */
export async function unlockedKeyring(context: Context, name?: string): Promise<Keyring> {
  const ring = await keyringOf(context);
  const locked = ring.list().filter((key) => key.protected && (name === undefined || key.name === name));
  if (locked.length === 0) return ring;
  const passphrase = await context.secret('Passphrase of the keyring');
  const opened = await keyringOf(context, passphrase);
  // Found wrong here, or a new key would be locked with a mistyped passphrase.
  await opened.exportPhrase(locked[0]!.name);
  return opened;
}

/** The keyring for adding a key: locked like the others, or with a new passphrase when `protect` asks for it. */
export async function keyringForAdding(context: Context, protect: boolean): Promise<Keyring> {
  const ring = await unlockedKeyring(context);
  if (!protect || ring.list().some((key) => key.protected)) return ring;
  return keyringOf(context, await newPassphrase(context, 'Passphrase for the keyring'));
}

/** A passphrase that is not set yet; asked twice on a terminal, and refused when it is easy to guess. */
export async function newPassphrase(context: Context, prompt: string, file?: string): Promise<string> {
  const passphrase = file === undefined ? await context.secret(prompt) : await secretText(context, file);
  if (passphrase === '') {
    throw new DatameshError('missing-argument', {
      what: 'the passphrase is empty',
      mend: passphraseStrength('').advice,
    });
  }
  if (passphrase === undefined) {
    throw new DatameshError('missing-argument', {
      what: 'a passphrase is needed and none was given',
      mend: 'give it in a file (--passphrase-file, or the option of this command), or run on a terminal',
    });
  }
  const { bits, advice } = passphraseStrength(passphrase);
  if (bits < MIN_BITS) {
    throw new DatameshError('bad-value', {
      what: `the passphrase is too easy to guess: about ${bits} bits, ${MIN_BITS} are needed`,
      mend: advice,
    });
  }
  if (file === undefined && !givenElsewhere(context)) {
    const again = await context.secret('The same again');
    if (again !== passphrase)
      throw new DatameshError('bad-value', {
        what: 'the two passphrases are not the same',
        mend: 'try again',
      });
  }
  return passphrase;
}

/** A secret from a file, `-` for standard input; without the line's end. */
export async function secretText(context: Context, path: string): Promise<string> {
  const text = path === '-' ? await stdinText(context) : await fileText(resolve(context.cwd, path));
  return text.replace(/\r?\n$/, '');
}

/** The words or the exported key to import: from a file, from standard input, else asked for on the terminal. */
export async function importText(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined) return secretText(context, file);
  if (context.mode === 'one-shot' && process.stdin.isTTY !== true) return secretText(context, '-');
  if (givenElsewhere(context)) {
    throw new DatameshError('missing-argument', {
      what: 'the key to import is missing',
      why: 'with a passphrase given beforehand nothing is asked on the terminal',
      mend: 'name a file that holds the 24 words or the exported key: --file FILE',
    });
  }
  const typed = await context.secret('The 24 words');
  if (typed === undefined)
    throw new DatameshError('missing-argument', {
      what: 'the key to import is missing',
      mend: 'give it with --file FILE',
    });
  return typed;
}

export function keyRecord(info: KeyInfo): OutputRecord {
  return {
    name: info.name,
    ownerId: info.ownerId,
    default: info.isDefault,
    protected: info.protected,
    createdAtMs: info.createdAtMs,
  };
}

/** A running node has read the keyring when it started. */
export const RESTART_NOTE = 'a running node takes this up when it is started again';

/** Whether --passphrase-file or a variable answers every question for a secret. */
function givenElsewhere(context: Context): boolean {
  const { passphraseFile } = context.options as { passphraseFile?: string };
  return [passphraseFile, context.env.DATAMESH_PASSPHRASE_FILE, context.env.DATAMESH_PASSPHRASE].some(
    (each) => (each ?? '') !== '',
  );
}

async function stdinText(context: Context): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of context.stdin()) {
    bytes += chunk.length;
    if (bytes > MAX_SECRET_BYTES) throw tooLarge('standard input');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function fileText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR')
      throw new DatameshError('is-a-directory', { what: `${path} is a folder`, mend: 'name a file', cause });
    const missing = cause.code === 'ENOENT';
    throw new DatameshError(missing ? 'file-not-found' : 'file-denied', {
      what: `${path} ${missing ? 'does not exist' : `cannot be read (${cause.code})`}`,
      mend: 'check the path and its mode',
      cause,
    });
  });
  if (bytes.length > MAX_SECRET_BYTES) throw tooLarge(path);
  return bytes.toString('utf8');
}

function tooLarge(name: string): DatameshError {
  return new DatameshError('input-too-large', {
    what: `${name} is larger than ${MAX_SECRET_BYTES} bytes, which no key is`,
    mend: 'is it the right file?',
  });
}

const WORD_COLUMNS = 4;
/** "12. " and the longest word of the list. */
const WORD_CELLS = 14;

/** The 24 words numbered, in columns read from top to bottom. */
export function phraseBlock(phrase: string): string {
  const words = phrase.split(' ');
  const rows = Math.ceil(words.length / WORD_COLUMNS);
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: WORD_COLUMNS }, (_, column) => {
      const index = column * rows + row;
      return `${String(index + 1).padStart(2)}. ${words[index] ?? ''}`.padEnd(WORD_CELLS);
    })
      .join('')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
