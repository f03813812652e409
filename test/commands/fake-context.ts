/** A Context for running one command by hand: it keeps what was printed. */
import type { Command, Context, GlobalOptions, OutputRecord, Values } from '../../src/commands/command.ts';
import { configFilePath } from '../../src/config/paths.ts';
import { loadConfig } from '../../src/config/resolve.ts';

export interface Ran {
  exit: number;
  records: OutputRecord[];
  notes: string[];
  warnings: string[];
  stdout: string;
}

export interface Setting {
  env: Record<string, string | undefined>;
  cwd: string;
  /** Answers of the prompt for secrets, in order. */
  secrets?: (string | undefined)[];
  /** Answer to yes/no questions; undefined throws, as off a terminal. */
  confirm?: boolean;
  stdin?: string;
  options?: Partial<GlobalOptions>;
}

export async function runCommand(command: Command, values: Values, setting: Setting): Promise<Ran> {
  const ran: Ran = { exit: 0, records: [], notes: [], warnings: [], stdout: '' };
  const secrets = [...(setting.secrets ?? [])];
  const { env, cwd } = setting;
  const absent = () => Promise.reject(new Error('no engine here'));
  const context: Context = {
    out: {
      record: (record) => void ran.records.push(record),
      note: (text) => void ran.notes.push(text),
      warn: (text) => void ran.warnings.push(text),
      bytes: async (chunk) => void (ran.stdout += Buffer.from(chunk).toString('utf8')),
      progress: () => {},
    },
    signal: new AbortController().signal,
    cwd,
    env,
    mode: 'one-shot',
    interactive: false,
    async *stdin() {
      yield Buffer.from(setting.stdin ?? '');
    },
    config: async () => (await loadConfig({ env, cwd })).config,
    configPath: () => configFilePath({ env, cwd }),
    engine: absent,
    service: async () => undefined,
    confirm: async () => {
      if (setting.confirm === undefined) throw new Error('nobody to ask');
      return setting.confirm;
    },
    secret: async () => secrets.shift(),
    options: {
      json: false,
      quiet: false,
      verbose: false,
      yes: false,
      dryRun: false,
      timeoutMs: undefined,
      ...setting.options,
    },
  };
  ran.exit = (await command.run(context, values)) ?? 0;
  return ran;
}
