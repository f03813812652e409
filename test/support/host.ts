/** A Host for tests: a fake engine, and an output that remembers. */
import type { OutputRecord } from '../../src/commands/command.ts';
import { executeParsed, type Host, type RunOutput } from '../../src/commands/execute.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { DatameshError } from '../../src/errors.ts';
import { parseArgv } from '../../src/lang/argv.ts';
import { realRegistry } from './registry.ts';

export interface Recorded {
  records: OutputRecord[];
  notes: string[];
  warnings: string[];
  bytes: Uint8Array[];
  errors: DatameshError[];
}

export interface TestHost extends Host {
  readonly seen: Recorded;
  readonly questions: string[];
}

export interface TestHostOptions {
  engine?: Engine;
  cwd?: string;
  mode?: Host['mode'];
  interactive?: boolean;
  signal?: AbortSignal;
  answer?: boolean;
  stdin?: AsyncIterable<Uint8Array>;
  /** No service runs. */
  noService?: boolean;
}

export function testHost(options: TestHostOptions = {}): TestHost {
  const seen: Recorded = { records: [], notes: [], warnings: [], bytes: [], errors: [] };
  const questions: string[] = [];
  const engine = async (): Promise<Engine> => {
    if (options.engine) return options.engine;
    throw new DatameshError('not-configured', { what: 'this test has no engine' });
  };
  const output: RunOutput = {
    record: (record) => void seen.records.push(record),
    note: (text) => void seen.notes.push(text),
    warn: (text) => void seen.warnings.push(text),
    bytes: async (chunk) => void seen.bytes.push(Uint8Array.from(chunk)),
    progress() {},
    error: (error) => void seen.errors.push(error),
    async end() {},
  };
  return {
    seen,
    questions,
    mode: options.mode ?? 'one-shot',
    interactive: options.interactive ?? false,
    cwd: options.cwd ?? process.cwd(),
    env: {},
    width: 80,
    signal: options.signal ?? new AbortController().signal,
    output: () => output,
    stdin() {
      if (options.stdin) return options.stdin;
      throw new DatameshError('not-a-terminal', { what: 'this test has no stdin' });
    },
    config: async () => {
      throw new DatameshError('not-configured', { what: 'this test has no configuration' });
    },
    configPath: () => '/nowhere/config.json',
    engine,
    service: async () => (options.noService ? undefined : options.engine),
    confirm: async (question) => {
      questions.push(question);
      if (options.answer === undefined) throw new DatameshError('confirmation-needed', { what: question });
      return options.answer;
    },
    secret: async () => undefined,
  };
}

/** Runs one command line of the real table. Fails the test when it does not parse. */
export async function runLine(host: Host, ...argv: string[]): Promise<number> {
  const { commands, diagnostics } = parseArgv(argv, realRegistry());
  if (!commands[0]) throw new Error(diagnostics.map((diagnostic) => diagnostic.message).join('; '));
  return executeParsed(commands[0], host);
}
