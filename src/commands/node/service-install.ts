/** `service install` and `service uninstall`: the node under systemd or launchd, so that it runs after a reboot. */
import { DatameshError, EXIT } from '../../errors.ts';
import type { Column, Command, Context, OptionSpec, Values } from '../command.ts';
import { INSTALL_FIELDS } from './fields.ts';
import type { Installation } from './service-manager.ts';

const COLUMNS: readonly Column[] = [
  { key: 'manager', title: 'Manager' },
  { key: 'scope', title: 'For' },
  { key: 'path', title: 'File' },
  { key: 'state', title: 'State' },
];

const WHERE: readonly OptionSpec[] = [
  {
    name: 'manager',
    type: { kind: 'enum', values: ['systemd', 'launchd'] },
    summary: "What starts it; this machine's own when left out",
  },
  { name: 'system', summary: 'For the whole machine, started at boot (needs root); else for you' },
];

export const installCommand: Command = {
  path: ['service', 'install'],
  group: 'node',
  summary: 'Have the node started by systemd or launchd',
  description: `Writes a unit (systemd) or a property list (launchd), hardened as far as the manager allows, and has it started now and
    at every login, with --system at every boot. --print writes the file to standard output and touches nothing. Its log is then the manager's: journalctl --user -u datamesh.
    For you alone it ends when you log out, unless lingering is on: loginctl enable-linger.`,
  args: [],
  options: [
    ...WHERE,
    {
      name: 'user',
      type: { kind: 'string' },
      summary: 'With --system: run as this user, who owns the data folder',
    },
    {
      name: 'credential',
      type: { kind: 'path' },
      summary: "File with the keyring's passphrase, for a protected keyring",
    },
    {
      name: 'writes',
      type: { kind: 'path' },
      repeatable: true,
      summary:
        'With --system: a further folder it may write to, for disks of pools and for restores; repeatable',
    },
    { name: 'print', summary: 'Write the file to standard output and do nothing' },
    { name: 'no-start', summary: 'Write the file, and let the manager be' },
  ],
  examples: [
    { line: 'datamesh service install', note: 'for you, started now and at login' },
    {
      line: 'datamesh service install --print --manager systemd',
      note: 'look at it first; --dry-run also says what would be run',
    },
    {
      line: 'datamesh service install --system --user mesh --config /etc/datamesh/config.json',
      note: 'on a server, as root',
    },
  ],
  effects: 'writes',
  fields: INSTALL_FIELDS,
  needs: 'config',
  shape: 'single',
  columns: COLUMNS,
  exits: [
    { code: EXIT.conflict, meaning: 'a file that is not of datamesh has that name' },
    { code: EXIT.notFound, meaning: 'there is no such user (--user)' },
    { code: EXIT.denied, meaning: 'the file may not be written by this user' },
  ],
  async run(context, values) {
    const config = await context.config();
    const { needNodeFolder } = await import('../../config/data-folder.ts');
    const manager = await import('./service-manager.ts');
    const where = placeOf(context, values, manager.managerHere());
    const system = values.system === true;
    if (!system && (values.user !== undefined || values.writes !== undefined)) {
      throw new DatameshError('bad-value', {
        what: `${values.user === undefined ? '--writes' : '--user'} belongs to a service of the whole machine`,
        mend: 'add --system, or leave it out',
      });
    }
    const file = await manager.fileFor(where, {
      config: context.configPath(),
      dataDir: config.node.dataDir,
      name: config.node.name,
      background: config.node.priority === 'low',
      user: values.user as string | undefined,
      passphraseFile: values.credential as string | undefined,
      writes: (values.writes as string[] | undefined) ?? [],
      cwd: context.cwd,
    });
    if (values.print === true) return await context.out.bytes(Buffer.from(file.text));
    await needNodeFolder(config.node.dataDir);
    if (values.user !== undefined) await manager.needUser(values.user as string, context);
    const start = values['no-start'] !== true;
    const commands = start ? manager.startCommands(where) : [];
    if (context.options.dryRun) return tellPlan(context, where, file.text, commands);
    await manager.refuseForeign(where.path);
    if (start && (await manager.installedText(where.path)) !== undefined)
      await manager.unload(where, context);
    await manager.writeFileFor(where, file.text);
    await manager.runAll(commands, context, manager.AFTER_WRITING);
    context.out.record({ ...record(where), state: start ? 'installed and started' : 'installed' });
    if (!start) context.out.note(`start it with: ${manager.startCommands(where).map(line).join(' && ')}`);
  },
};

export const uninstallCommand: Command = {
  path: ['service', 'uninstall'],
  group: 'node',
  summary: 'Take the node away from systemd or launchd again',
  description: 'Stops it and removes what `service install` wrote. Data and configuration stay.',
  args: [],
  options: WHERE,
  examples: [
    { line: 'datamesh service uninstall', note: 'what was installed for you' },
    { line: 'datamesh service uninstall --dry-run', note: 'only say what would be done' },
    { line: 'datamesh service uninstall --system', note: 'what was installed for the machine, as root' },
  ],
  effects: 'writes',
  fields: INSTALL_FIELDS,
  needs: 'nothing',
  shape: 'single',
  columns: COLUMNS,
  exits: [
    { code: EXIT.notFound, meaning: 'nothing is installed' },
    { code: EXIT.conflict, meaning: 'the file of that name is not of datamesh' },
  ],
  async run(context, values) {
    const manager = await import('./service-manager.ts');
    const where = placeOf(context, values, manager.managerHere());
    if ((await manager.installedText(where.path)) === undefined) {
      throw new DatameshError('not-found', {
        what: `no service is installed: ${where.path} is not there`,
        ...(where.scope === 'user' ? { mend: 'if it was installed for the machine: --system' } : {}),
      });
    }
    await manager.refuseForeign(where.path);
    const { before, after } = manager.stopCommands(where);
    if (context.options.dryRun)
      return tellPlan(context, where, undefined, [...before, ['rm', where.path], ...after]);
    // Where systemd did not start the machine it runs nothing either, and cannot be asked.
    const asked = where.manager !== 'systemd' || manager.isBootedWithSystemd();
    const still = {
      why: 'nothing was removed: the node may still run',
      mend: `run that command yourself, then: rm '${where.path}'`,
    };
    const unlessUnasked = (error: unknown) => {
      if (asked) throw error;
    };
    await manager.runAll(before, context, still).catch(unlessUnasked);
    await manager.removeFile(where.path);
    const removed = { why: 'the file is removed', mend: 'run that command yourself' };
    await manager.runAll(after, context, removed).catch(unlessUnasked);
    context.out.record({ ...record(where), state: 'removed' });
    if (!asked) context.out.note('systemd does not run here, so there was nothing to stop');
  },
};

function placeOf(context: Context, values: Values, here: Installation['manager'] | undefined): Installation {
  const manager = (values.manager as Installation['manager'] | undefined) ?? here;
  if (manager === undefined) {
    throw new DatameshError('failed', {
      what: `there is neither systemd nor launchd on ${process.platform}`,
      mend: 'run `datamesh service run` under what starts services here',
    });
  }
  const scope = values.system === true ? 'system' : 'user';
  return { manager, scope, path: installPath(manager, scope, context.env) };
}

export function installPath(
  manager: Installation['manager'],
  scope: Installation['scope'],
  env: Context['env'],
): string {
  const home = env.HOME ?? '';
  if (manager === 'systemd') {
    if (scope === 'system') return '/etc/systemd/system/datamesh.service';
    const config = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : `${home}/.config`;
    return `${config}/systemd/user/datamesh.service`;
  }
  return `${scope === 'system' ? '/Library/LaunchDaemons' : `${home}/Library/LaunchAgents`}/io.github.datamesh.node.plist`;
}

function tellPlan(
  context: Context,
  where: Installation,
  text: string | undefined,
  commands: readonly (readonly string[])[],
): void {
  const run = commands.map(line);
  context.out.record({ ...record(where), state: 'unchanged', dryRun: true, text: text ?? null, run });
  context.out.note(text === undefined ? 'would remove the file, and run:' : 'would write the file, and run:');
  for (const each of run) context.out.note(`  ${each}`);
  context.out.note('nothing was done (--dry-run)');
}

function record({ manager, scope, path }: Installation) {
  return { manager, scope, path };
}

function line(words: readonly string[]): string {
  return words.join(' ');
}
