import type { EventLevel, NodeStatus } from '../../engine/engine.ts';
import { dataPaths } from '../../engine/options.ts';
import { asDatameshError, DatameshError, EXIT } from '../../errors.ts';
import type { Column, Command, Context, OutputRecord } from '../command.ts';
import { EVENT_FIELDS, LOG_FIELDS, SERVICE_FIELDS } from './fields.ts';
import { serviceFolder } from './service-folder.ts';
import { installCommand, uninstallCommand } from './service-install.ts';

const STATE_COLUMNS: readonly Column[] = [
  { key: 'state', title: 'State' },
  { key: 'pid', title: 'Process' },
  { key: 'name', title: 'Name' },
  { key: 'startedAtMs', title: 'Started', format: 'time' },
  { key: 'uptimeMs', title: 'Up for', format: 'duration' },
  { key: 'addresses', title: 'Addresses', format: 'list' },
  { key: 'peersConnected', title: 'Peers connected' },
  { key: 'dataDir', title: 'Data folder' },
  { key: 'log', title: 'Log' },
];

const runCommand: Command = {
  path: ['service', 'run'],
  synonyms: [['service']],
  group: 'node',
  summary: 'Run the node in the foreground until it is stopped',
  description: `Other commands then use this node in place of starting one of their own. Events are written as lines.
    SIGTERM or Ctrl-C ends it: running transfers are cancelled, stores are closed. For systemd: Type=exec.`,
  args: [],
  options: [
    {
      name: 'log-format',
      type: { kind: 'enum', values: ['text', 'json'] },
      summary: 'json: one object a line, as the log of a service in the background has it',
      default: 'text',
    },
  ],
  examples: [
    { line: 'datamesh service', note: 'until Ctrl-C' },
    { line: 'datamesh service run --log-level debug', note: 'with debug events' },
    {
      line: 'datamesh service run --config /etc/datamesh.json --json',
      note: 'under a supervisor, one JSON object per event',
    },
  ],
  effects: 'writes',
  fields: EVENT_FIELDS,
  needs: 'config',
  exits: [{ code: EXIT.conflict, meaning: 'a service or another process uses the data folder already' }],
  async run(context, values) {
    if (context.options.dryRun) {
      const { node, network } = await context.config();
      return context.out.note(
        `would run ${node.name} on ${node.dataDir}, port ${network.port} (--dry-run: nothing was done)`,
      );
    }
    const { runService } = await import('./service-run.ts');
    await runService(context, {
      level: logLevelOf(context),
      format: (values['log-format'] as 'text' | 'json' | undefined) ?? 'text',
    });
  },
};

const startCommand: Command = {
  path: ['service', 'start'],
  group: 'node',
  summary: 'Start the node in the background',
  description:
    'Comes back when the node answers. It goes on after you log out; its log is in the data folder: JSON lines, 10 MiB, and five older ones. SIGHUP makes it read the configuration again.',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh service start', note: 'nothing happens when it runs already' },
    { line: 'datamesh service start --passphrase-file ~/.datamesh-pass', note: 'with a protected keyring' },
    { line: 'datamesh service start --json=pid,addresses', note: 'what others need to reach it' },
  ],
  effects: 'writes',
  fields: SERVICE_FIELDS,
  needs: 'config',
  shape: 'single',
  columns: STATE_COLUMNS,
  exits: [
    { code: EXIT.timeout, meaning: 'it was started and left running, but does not answer after a minute' },
  ],
  async run(context) {
    const { node } = await context.config();
    const { findSettled, startService } = await import('./service-process.ts');
    const settled = () => findSettled(node.dataDir, context.signal);
    const tell = (status: NodeStatus, how: string) => {
      context.out.record(stateRecord(node.dataDir, { state: 'running', status }));
      context.out.note(`the service runs ${how}as process ${status.pid}`);
    };
    const found = await settled();
    if (found.state === 'running') return tell(found.status, 'already ');
    if (found.state === 'busy') throw busy(node.dataDir, found.pid);
    if (context.options.dryRun) {
      context.out.record({ dryRun: true, state: 'stopped', dataDir: node.dataDir });
      return context.out.note('nothing was started (--dry-run)');
    }
    const { BY_HAND, serviceWords } = await import('./service-words.ts');
    const words = await serviceWords(node.dataDir, context.env);
    try {
      const { status } = await startService({
        dataDir: node.dataDir,
        configPath: context.configPath(),
        env: context.env,
        passphrase: await passphraseFor(context, node.dataDir),
        logLevel: logLevelOf(context),
        signal: context.signal,
      });
      tell(status, '');
      if (words !== BY_HAND)
        context.out.note(
          `what is installed for this node would start it again when it dies, and does not know of this one; leave it to that: ${BY_HAND.stop} && ${words.start}`,
        );
    } catch (thrown) {
      const { code } = asDatameshError(thrown);
      if (code !== 'lock-held' && code !== 'already-running') throw thrown;
      // Another command may have started one at the same moment.
      const other = await settled();
      if (other.state !== 'running') throw thrown;
      tell(other.status, 'already ');
    }
  },
};

const stopCommand: Command = {
  path: ['service', 'stop'],
  group: 'node',
  summary: 'Stop the node that runs in the background',
  description:
    'Running transfers are cancelled; what was acknowledged stays. Comes back when the node is gone. A configuration that cannot be used does not hinder it while its data folder can be made out, or is named: --data-dir PATH.',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh service stop', note: 'nothing happens when none runs' },
    { line: 'datamesh service stop && datamesh service start', note: 'restart' },
    { line: 'datamesh service stop --timeout 5s', note: 'exit 11 when it takes longer' },
  ],
  effects: 'writes',
  fields: SERVICE_FIELDS,
  needs: 'config',
  shape: 'single',
  columns: STATE_COLUMNS,
  exits: [
    { code: EXIT.conflict, meaning: 'another process, which is no service, uses the data folder' },
    { code: EXIT.timeout, meaning: 'it did not stop in time' },
  ],
  async run(context) {
    const { dataDir, problem } = await serviceFolder(context);
    const { findService, stopProcess } = await import('./service-process.ts');
    const found = await findService(dataDir);
    if (found.state === 'stopped') {
      if (problem !== undefined) throw problem;
      context.out.record(stateRecord(dataDir, found));
      return context.out.note('no service runs');
    }
    if (problem !== undefined) tellProblem(context, problem, dataDir);
    const pid = found.state === 'running' ? found.status.pid : found.stuck ? found.pid : undefined;
    if (pid === undefined) throw busy(dataDir, found.state === 'busy' ? found.pid : undefined);
    if (context.options.dryRun) {
      context.out.record({ dryRun: true, state: 'running', pid, dataDir });
      return context.out.note(`process ${pid} was not stopped (--dry-run)`);
    }
    if (pid === process.pid) {
      throw new DatameshError('failed', {
        what: 'the service is this very process',
        mend: 'leave it with: exit',
      });
    }
    await stopProcess(dataDir, pid, context.signal);
    context.out.record({ ...stateRecord(dataDir, { state: 'stopped' }), pid });
    context.out.note(`process ${pid} has stopped`);
  },
};

const statusCommand: Command = {
  path: ['service', 'status'],
  group: 'node',
  summary: 'Show whether the node runs',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh service status', note: 'exit 0 when it runs, 5 when not' },
    {
      line: 'datamesh service status --quiet || datamesh service start',
      note: 'start it if it does not run',
    },
    { line: 'datamesh service status --json=state,pid', note: 'for a monitor' },
  ],
  effects: 'reads',
  fields: SERVICE_FIELDS,
  needs: 'config',
  shape: 'single',
  columns: STATE_COLUMNS,
  exits: [{ code: EXIT.unreachable, meaning: 'no service answers' }],
  async run(context) {
    const { dataDir, problem } = await serviceFolder(context);
    const { findService } = await import('./service-process.ts');
    const found = await findService(dataDir);
    if (problem !== undefined && found.state === 'stopped') throw problem;
    if (problem !== undefined) tellProblem(context, problem, dataDir);
    context.out.record(stateRecord(dataDir, found));
    if (found.state === 'running') return EXIT.ok;
    context.out.note(
      found.state === 'stopped'
        ? `no service runs; start it: ${(await (await import('./service-words.ts')).serviceWords(dataDir, context.env)).start}`
        : `process ${found.pid ?? '?'} uses the data folder, but does not answer: a console, a command, or a service that is starting or stopping`,
    );
    return EXIT.unreachable;
  },
};

const logsCommand: Command = {
  path: ['service', 'logs'],
  group: 'node',
  summary: 'Show the log of the node that runs in the background',
  args: [],
  options: [
    {
      name: 'lines',
      short: 'n',
      type: { kind: 'integer', min: 0, max: 100_000 },
      summary: 'So many last lines',
      default: '50',
    },
    { name: 'follow', short: 'f', summary: 'Go on with lines as they are written, until Ctrl-C' },
  ],
  examples: [
    { line: 'datamesh service logs', note: 'the last 50 lines' },
    { line: 'datamesh service logs -n 0 --follow', note: 'only what is new' },
    { line: 'datamesh service logs -n 1000 --json', note: 'one JSON object per line' },
  ],
  effects: 'reads',
  fields: LOG_FIELDS,
  needs: 'config',
  async run(context, values) {
    const { dataDir, problem } = await serviceFolder(context);
    const { out, options, signal } = context;
    const path = dataPaths(dataDir).log;
    const [{ follow, lastLines, printsTo }, { readableLine }, { findService }] = await Promise.all([
      import('./service-log.ts'),
      import('./service-events.ts'),
      import('./service-process.ts'),
    ]);
    const { lines, position, aside } = await lastLines(path, values.lines as number);
    if (problem !== undefined && position === 0) throw problem;
    if (problem !== undefined) tellProblem(context, problem, dataDir);
    const show = (line: string) => (options.json ? out.record({ line }) : out.note(readableLine(line)));
    for (const line of lines) show(line);
    const found = await findService(dataDir).catch(() => undefined);
    if (found?.state === 'running' && (await printsTo(found.status.pid, path)) === false) {
      out.warn(
        `the node runs as process ${found.status.pid}, which writes its log elsewhere; ${path} is of an earlier one. Under systemd: journalctl --user -u datamesh, or journalctl -u datamesh`,
      );
    } else if (lines.length === 0 && position === 0 && values.follow !== true)
      out.warn(`there is no log at ${path} yet`);
    if (values.follow === true) for await (const line of follow(path, position, signal, aside)) show(line);
  },
};

export const serviceCommands: readonly Command[] = [
  runCommand,
  startCommand,
  stopCommand,
  statusCommand,
  logsCommand,
  installCommand,
  uninstallCommand,
];

/** --log-level, in place of observe.logLevel. */
function logLevelOf(context: Context): EventLevel | undefined {
  return (context.options as { logLevel?: EventLevel }).logLevel;
}

function tellProblem({ out }: Context, problem: DatameshError, dataDir: string): void {
  out.warn(`${problem.message}; the data folder was taken to be ${dataDir}`);
}

function stateRecord(
  dataDir: string,
  found: Awaited<ReturnType<typeof import('./service-process.ts').findService>>,
): OutputRecord {
  const log = dataPaths(dataDir).log;
  if (found.state === 'stopped') return { state: 'stopped', dataDir, log };
  if (found.state === 'busy') return { state: 'busy', pid: found.pid ?? null, dataDir, log };
  const { pid, name, startedAtMs, uptimeMs, addresses, peersConnected } = found.status;
  return { state: 'running', pid, name, startedAtMs, uptimeMs, addresses, peersConnected, dataDir, log };
}

function busy(dataDir: string, pid: number | undefined): DatameshError {
  return new DatameshError('lock-held', {
    what: `${pid === undefined ? 'another process' : `process ${pid}`} uses ${dataDir}, but does not answer as a service`,
    why: 'it is a console or another command, or a service that is just starting or stopping',
    mend: 'wait for it or end it, then try again',
    details: pid === undefined ? undefined : { pid },
  });
}

/** Asked for here, where there may be a terminal; the background process has none. */
async function passphraseFor(context: Context, dataDir: string): Promise<string | undefined> {
  const [{ openKeyring }, { realDisk }, { realRandom }, { realClock }] = await Promise.all([
    import('../../engine/keys/keyring.ts'),
    import('../../engine/effects/real-disk.ts'),
    import('../../engine/effects/random.ts'),
    import('../../engine/effects/clock.ts'),
  ]);
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  const keyring = await openKeyring(effects, dataPaths(dataDir).keyring);
  const locked = keyring.list().some((key) => key.isDefault && key.protected);
  return locked ? context.secret('Passphrase of the keyring') : undefined;
}
