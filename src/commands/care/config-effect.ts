/** After a change of the configuration file: whether it holds, and what the running node made of it. */
import { type ConfigField, envNameOf } from '../../config/fields.ts';
import type { ReloadReport } from '../../engine/live-options.ts';
import type { Context } from '../command.ts';

/** @param fields those that were, or may have been, changed */
export async function tellAboutEffect(context: Context, fields: readonly ConfigField[]): Promise<void> {
  const { out } = context;
  for (const variable of fields.map(({ key }) => envNameOf(key))) {
    if ((context.env[variable] ?? '') !== '') out.warn(`${variable} is set and beats the file`);
  }
  if (context.options.dryRun) return;
  const report = await reloaded(context);
  const keys = fields.map(({ key }) => key);
  const applied = (report?.applied ?? []).filter((key) => keys.includes(key));
  if (applied.length > 0) out.note(`the running node has taken up ${applied.join(', ')}`);
  const waiting =
    report === undefined
      ? fields.some(({ restart }) => restart)
      : report.restart.some((key) => keys.includes(key));
  if (waiting) out.note('a running node takes this up when it is started again');
}

/** Undefined when no service runs, or it cannot read the file now: the note of a restart is right then. */
async function reloaded(context: Context): Promise<ReloadReport | undefined> {
  try {
    const service = await context.service();
    return await service?.reload();
  } catch {
    return undefined;
  }
}
