/** `config edit`: the file in the user's editor, on a copy, taken over only when it is right, without undoing what others changed meanwhile. */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { changing } from '../../config/changing.ts';
import { CONFIG_FIELDS } from '../../config/fields.ts';
import { mergeEdits } from '../../config/merge.ts';
import { resolveConfig } from '../../config/resolve.ts';
import {
  CONFIG_MODE,
  type ConfigFile,
  configFileExists,
  readConfigFile,
  writeConfigFile,
} from '../../config/store.ts';
import { DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { runEditor } from '../edit-file.ts';
import { tellAboutEffect } from './config-effect.ts';

/** The copy that is edited, and the file as it was when the copy was made: what differs between the two is what was edited. */
interface Copies {
  copy: string;
  from: string;
}

export async function editConfig(context: Context): Promise<void> {
  const path = context.configPath();
  const { input } = context.options as { input?: boolean };
  if (
    context.mode !== 'one-shot' ||
    !context.interactive ||
    input === false ||
    process.stdin.isTTY !== true
  ) {
    throw new DatameshError('not-a-terminal', {
      what: 'an editor needs a terminal of its own',
      mend: 'change single fields with: datamesh config set KEY VALUE',
    });
  }
  if (!(await configFileExists(path))) {
    throw new DatameshError('not-configured', {
      what: `there is no configuration at ${path}`,
      mend: 'make one with: datamesh init',
    });
  }
  const copies = { copy: `${path}.edit`, from: `${path}.edit.from` };
  if (await wasEdited(copies))
    context.out.note(`going on with ${copies.copy}, which was not taken over; remove it to begin anew`);
  else {
    await copyFile(path, copies.from);
    await copyFile(copies.from, copies.copy);
  }
  await runEditor(context, copies.copy);
  if (!(await configFileExists(copies.copy)))
    throw new DatameshError('failed', { what: `${copies.copy} is gone; nothing was changed` });
  if (!(await wasEdited(copies))) {
    await removeCopies(copies);
    return context.out.note('nothing was changed');
  }
  const edited = (await readConfigFile(copies.copy))!;
  resolveConfig(edited, copies.copy, { env: {} });
  const { dryRun } = context.options;
  const takeOver = async () => {
    const next = await withOthers(path, copies, edited);
    if (dryRun) return;
    await writeConfigFile(path, next);
    await removeCopies(copies);
  };
  await changing(path, takeOver, !dryRun);
  context.out.note(
    dryRun
      ? `${path} would be replaced; what you edited stays in ${copies.copy} for the next config edit`
      : `${path} is replaced`,
  );
  await tellAboutEffect(context, CONFIG_FIELDS);
}

/** A copy that is there and differs did not pass last time, and is what its author wants to go on with. */
async function wasEdited({ copy, from }: Copies): Promise<boolean> {
  if (!(await configFileExists(copy))) return false;
  if (await configFileExists(from)) return !(await sameBytes(copy, from));
  throw new DatameshError('precondition-failed', {
    what: `${copy} is left from an earlier config edit, and what it was made from is not known`,
    why: 'taking it over could undo what was changed since',
    mend: `compare it with the configuration, and remove it: rm '${copy}'`,
  });
}

/** What is to be written. Throws when both changed the same, after the copy was made one of the file as it is now. */
async function withOthers(path: string, copies: Copies, edited: ConfigFile): Promise<ConfigFile> {
  if (await sameBytes(path, copies.from)) return edited;
  const sides = await Promise.all([readConfigFile(copies.from), readConfigFile(path)]).catch(() => undefined);
  const [base, now] = sides ?? [];
  if (base === undefined || now === undefined) {
    await copyFile(path, copies.from);
    throw changedMeanwhile(path, copies, 'it');
  }
  const { file, clashes } = mergeEdits(base, edited, now);
  const problem = problemOf(file, path);
  if (clashes.length === 0 && problem === undefined) return file;
  await writeFile(copies.copy, `${JSON.stringify(file, null, 2)}\n`, { mode: CONFIG_MODE });
  await copyFile(path, copies.from);
  throw changedMeanwhile(path, copies, clashes.join(', ') || 'it', problem);
}

function problemOf(file: ConfigFile, path: string): string | undefined {
  try {
    resolveConfig(file, path, { env: {} });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function changedMeanwhile(path: string, { copy }: Copies, what: string, why?: string): DatameshError {
  return new DatameshError('precondition-failed', {
    what: `${what} was changed in ${path} while you edited; nothing was replaced`,
    why,
    mend: `what you edited is kept: compare the two (diff '${path}' '${copy}'), then config edit again takes your copy as you leave it`,
  });
}

async function sameBytes(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([readFile(a), readFile(b)]);
  return one.equals(other);
}

async function removeCopies({ copy, from }: Copies): Promise<void> {
  await rm(copy, { force: true });
  await rm(from, { force: true });
}
