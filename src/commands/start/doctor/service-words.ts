/** What a person types to stop and start the node of this data folder: whoever started it must be told, or starts a second one. */
import { readFile } from 'node:fs/promises';
import { installPath } from '../../node/service-install.ts';
import { installedText } from '../../node/service-manager.ts';
import { findService } from '../../node/service-process.ts';
import type { Patient } from './finding.ts';

export interface ServiceWords {
  stop: string;
  start: string;
  restart: string;
}

const BY_HAND: ServiceWords = {
  stop: 'datamesh service stop',
  start: 'datamesh service start',
  restart: 'datamesh service stop && datamesh service start',
};

/** While it runs its process says who has started it; else what is installed for this folder will. */
export async function serviceWords({ config, context }: Patient): Promise<ServiceWords> {
  if (config === undefined) return BY_HAND;
  const { dataDir } = config.node;
  const found = await findService(dataDir);
  const pid = found.state === 'running' ? found.status.pid : found.state === 'busy' ? found.pid : undefined;
  if (pid !== undefined) return wordsOfCgroup(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''));
  for (const scope of ['user', 'system'] as const) {
    const text = await installedText(installPath('systemd', scope, context.env)).catch(() => undefined);
    const runs = [dataDir, JSON.stringify(dataDir)].some((it) => text?.includes(`--data-dir ${it}\n`));
    if (runs) return bySystemd(scope);
  }
  return BY_HAND;
}

/** A user's own manager runs within user@UID.service (systemd.special). */
export function wordsOfCgroup(text: string): ServiceWords {
  const path = text.split('\n').find((line) => line.endsWith('/datamesh.service'));
  if (path === undefined) return BY_HAND;
  return bySystemd(path.includes('/user@') ? 'user' : 'system');
}

function bySystemd(scope: 'user' | 'system'): ServiceWords {
  const to = (verb: string) => `systemctl ${scope === 'user' ? '--user ' : ''}${verb} datamesh.service`;
  return { stop: to('stop'), start: to('start'), restart: to('restart') };
}
