/** What a command's handler finds around it, for tests that call the handler itself. */
import type { Context, OutputRecord } from '../../src/commands/command.ts';
import type { Config } from '../../src/config/schema.ts';
import { DatameshError } from '../../src/errors.ts';

export interface TestContext {
  context: Context;
  records: OutputRecord[];
  notes: string[];
  warnings: string[];
}

export interface TestContextOptions {
  config?: Config;
  configPath?: string;
  json?: boolean;
  dryRun?: boolean;
  signal?: AbortSignal;
}

export function testContext(options: TestContextOptions = {}): TestContext {
  const records: OutputRecord[] = [];
  const notes: string[] = [];
  const warnings: string[] = [];
  const none = (what: string) => async (): Promise<never> => {
    throw new DatameshError('not-configured', { what, mend: 'datamesh init' });
  };
  const { config } = options;
  return {
    records,
    notes,
    warnings,
    context: {
      out: {
        record: (record) => void records.push(record),
        note: (text) => void notes.push(text),
        warn: (text) => void warnings.push(text),
        bytes: async () => undefined,
        progress: () => undefined,
      },
      signal: options.signal ?? new AbortController().signal,
      cwd: process.cwd(),
      env: process.env,
      mode: 'one-shot',
      interactive: false,
      stdin: () => {
        throw new DatameshError('not-a-terminal', { what: 'no standard input in this test' });
      },
      config: config === undefined ? none('there is no configuration') : async () => config,
      configPath: () => options.configPath ?? '/nonexistent/config.json',
      engine: none('no engine in this test'),
      service: async () => undefined,
      confirm: async () => false,
      secret: async () => undefined,
      options: {
        json: options.json ?? false,
        quiet: false,
        verbose: false,
        yes: false,
        dryRun: options.dryRun ?? false,
        timeoutMs: undefined,
      },
    },
  };
}
