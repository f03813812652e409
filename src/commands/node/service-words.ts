/** What a person types to stop and start the node of this data folder: whoever started it must be told, or starts a second one. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { xml } from './service-files.ts';
import { installPath } from './service-install.ts';
import {
  type Installation,
  installedText,
  managerHere,
  startCommands,
  stopCommands,
} from './service-manager.ts';
import { lockHolder } from './service-process.ts';

export interface ServiceWords {
  stop: string;
  start: string;
  restart: string;
}

/** So the engine, which knows of no manager, says it in its errors. */
export const BY_HAND: ServiceWords = {
  stop: 'datamesh service stop',
  start: 'datamesh service start',
  restart: 'datamesh service stop && datamesh service start',
};

/** While it runs its process says who has started it; else what is installed for this folder will. */
export async function serviceWords(
  dataDir: string,
  env: Context['env'],
  manager = managerHere(),
): Promise<ServiceWords> {
  const pid = (await lockHolder(dataDir).catch(() => undefined))?.pid;
  // A command that is itself the node is no service.
  if (pid !== undefined && pid !== process.pid && manager === 'systemd')
    return wordsOfProcess(pid, await ofProcess(pid, 'cgroup'), await ofProcess(pid, 'environ'));
  for (const scope of ['user', 'system'] as const) {
    if (manager === undefined) break;
    const path = installPath(manager, scope, env);
    if (manager === 'launchd') {
      const text = await installedText(path).catch(() => undefined);
      if (text?.includes(`<string>${xml(dataDir)}</string>`)) return byLaunchd({ manager, scope, path });
      continue;
    }
    const unit = await unitFor(dataDir, dirname(path));
    if (unit !== undefined) return bySystemd(scope, unit);
  }
  return BY_HAND;
}

/** For a note beside what a command did without a service. */
export async function startWords({ config, env }: Pick<Context, 'config' | 'env'>): Promise<string> {
  return (await serviceWords((await config()).node.dataDir, env)).start;
}

/** The same error with what mends it in the words of this folder's manager. */
export async function inServiceWords(
  error: DatameshError,
  { config, env }: Pick<Context, 'config' | 'env'>,
): Promise<DatameshError> {
  const { code, message: what, why, mend, cause, details } = error;
  if (mend === undefined || (!mend.includes(BY_HAND.stop) && !mend.includes(BY_HAND.start))) return error;
  const words = await config()
    .then(({ node }) => serviceWords(node.dataDir, env))
    .catch(() => BY_HAND);
  if (words === BY_HAND) return error;
  const said = mend
    .replaceAll(BY_HAND.restart, words.restart)
    .replaceAll(BY_HAND.stop, words.stop)
    .replaceAll(BY_HAND.start, words.start);
  return new DatameshError(code, { what, why, mend: said, cause, details });
}

/** A user's own manager runs within user@UID.service (systemd.special). A unit of another name may be that of a shell or of cron, which started it by hand. */
export function wordsOfProcess(pid: number, cgroup: string, environ: string): ServiceWords {
  const path = cgroup.split('\n').find((line) => line.endsWith('.service')) ?? '';
  const unit = path.slice(path.lastIndexOf('/') + 1);
  const isMain = environ.split('\0').includes(`SYSTEMD_EXEC_PID=${pid}`);
  if (unit !== OWN_UNIT && (unit === '' || !isMain)) return BY_HAND;
  return bySystemd(path.includes('/user@') ? 'user' : 'system', unit);
}

const OWN_UNIT = 'datamesh.service';

async function ofProcess(pid: number, file: 'cgroup' | 'environ'): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}

/** The unit that runs a node on this folder, whatever it is called. */
async function unitFor(dataDir: string, folder: string): Promise<string | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.service'));
  for (const name of names.toSorted((a, b) => Number(b === OWN_UNIT) - Number(a === OWN_UNIT))) {
    const text = await installedText(join(folder, name)).catch(() => undefined);
    const isOurs = name === OWN_UNIT || text?.includes(' service run ');
    if (text !== undefined && isOurs && namesFolder(text, dataDir)) return name;
  }
  return undefined;
}

function namesFolder(text: string, dataDir: string): boolean {
  const said = [' ', '='].flatMap((by) =>
    [dataDir, JSON.stringify(dataDir)].map((it) => `--data-dir${by}${it}`),
  );
  return said.some((it) =>
    text
      .split(it)
      .slice(1)
      .some((rest) => /^\s|^$/.test(rest)),
  );
}

function bySystemd(scope: Installation['scope'], unit: string): ServiceWords {
  const name = /^[\w@.:-]+$/.test(unit) ? unit : `'${unit}'`;
  const to = (verb: string) => `systemctl ${scope === 'user' ? '--user ' : ''}${verb} ${name}`;
  return { stop: to('stop'), start: to('start'), restart: to('restart') };
}

function byLaunchd(where: Installation): ServiceWords {
  const said = (commands: string[][]) =>
    commands
      .map((words) => words.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' '))
      .join(' && ');
  const stop = said(stopCommands(where).before);
  const start = said(startCommands(where));
  return { stop, start, restart: `${stop} && ${start}` };
}
