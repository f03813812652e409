/** What commands find around them when they run from a shell. */
import { fstatSync } from 'node:fs';
import type { Host } from '../commands/execute.ts';
import { configFilePath } from '../config/paths.ts';
import { DatameshError } from '../errors.ts';
import type { GlobalFlags } from '../lang/global-options.ts';
import { type EngineAccess, engineAccess } from './engine-access.ts';
import { commandOutput, type OutputStyle } from './output.ts';
import { askYesNo, findSecret } from './prompts.ts';
import type { Streams } from './streams.ts';

export interface CliHost extends Host {
  readonly access: EngineAccess;
  readonly style: OutputStyle;
}

export interface CliHostOptions {
  flags: GlobalFlags;
  streams: Streams;
  env: Host['env'];
  cwd: string;
  signal: AbortSignal;
  mode: 'one-shot' | 'batch';
}

export function createCliHost({ flags, streams, env, cwd, signal, mode }: CliHostOptions): CliHost {
  const configPath = configFilePath({ flag: flags.configFile, env, cwd });
  // Off a terminal nobody answers; in a batch standard input is the script.
  const mayAsk = mode === 'one-shot' && flags.input && process.stdin.isTTY === true && streams.stderrIsTty;
  const secret = (prompt: string, ask: boolean) =>
    findSecret(prompt, { file: flags.passphraseFile, env, mayAsk: ask && mayAsk, signal });
  const access = engineAccess({ flags, env, cwd, configPath, secret });
  const style = outputStyle(flags, env, streams);
  return {
    access,
    style,
    mode,
    interactive: streams.stdoutIsTty,
    cwd,
    env,
    width: streams.columns() ?? style.fallbackColumns,
    signal,
    output: (parsed) => commandOutput(parsed, streams, style),
    stdin() {
      if (mode === 'batch') {
        throw new DatameshError('bad-value', {
          what: "'-' cannot be read here: standard input is the script",
          mend: 'give a file',
        });
      }
      if (process.stdin.isTTY) {
        throw new DatameshError('not-a-terminal', {
          what: 'standard input is a terminal',
          mend: 'pipe the content in, or give a file',
        });
      }
      // Node reads one as if it were empty.
      if (fstatSync(0).isDirectory()) {
        throw new DatameshError('is-a-directory', {
          what: 'standard input is a directory',
          mend: 'pipe the content in, or give a file',
        });
      }
      return process.stdin;
    },
    config: async () => (await access.config()).config,
    configPath: () => configPath,
    engine: access.engine,
    service: access.service,
    confirm: (question) => askYesNo(question, mayAsk, signal),
    secret: (prompt) => secret(prompt, true),
  };
}

/** --color beats FORCE_COLOR, CLICOLOR_FORCE, NO_COLOR, CLICOLOR and TERM=dumb, in this order (no-color.org, bixense). */
export function outputStyle(
  flags: Pick<GlobalFlags, 'color'>,
  env: Host['env'],
  streams: Pick<Streams, 'stdoutIsTty' | 'stderrIsTty'>,
): OutputStyle {
  const wish = (tty: boolean) => {
    if (flags.color !== 'auto') return flags.color === 'always';
    if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '')
      return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
    if (env.CLICOLOR_FORCE !== undefined && env.CLICOLOR_FORCE !== '' && env.CLICOLOR_FORCE !== '0')
      return true;
    if ((env.NO_COLOR ?? '') !== '' || env.CLICOLOR === '0' || env.TERM === 'dumb') return false;
    return tty;
  };
  const columns = Number(env.COLUMNS);
  return {
    color: wish(streams.stdoutIsTty),
    errorColor: wish(streams.stderrIsTty),
    fallbackColumns: Number.isInteger(columns) && columns > 0 ? columns : 80,
  };
}
