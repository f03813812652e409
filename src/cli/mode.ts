/** argv and terminals → what `datamesh` does. Pure, so that the whole table is one test. */

export type Mode =
  | { kind: 'version' }
  | { kind: 'command' }
  | { kind: 'console' }
  | { kind: 'batch' }
  | { kind: 'refuse'; what: string; mend: string };

export interface Surroundings {
  stdinIsTty: boolean;
  stdoutIsTty: boolean;
  /** The environment variable CI is set to something. */
  ci: boolean;
}

/** Options that choose how the console draws, and nothing else, still mean the console. */
const CONSOLE_ONLY = new Set(['--plain', '--no-color', '--no-input']);

export function chooseMode(argv: readonly string[], { stdinIsTty, stdoutIsTty, ci }: Surroundings): Mode {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return { kind: 'version' };
  if (!onlyConsoleOptions(argv)) return { kind: 'command' };
  if (!stdinIsTty) return { kind: 'batch' };
  if (!stdoutIsTty) {
    return {
      kind: 'refuse',
      what: 'standard output is not a terminal',
      mend: "give a command, or use 'datamesh batch'",
    };
  }
  if (ci) {
    return {
      kind: 'refuse',
      what: 'the variable CI is set, so the console does not open by itself',
      mend: "give a command, or ask for it by name: 'datamesh console'",
    };
  }
  return { kind: 'console' };
}

function onlyConsoleOptions(argv: readonly string[]): boolean {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (CONSOLE_ONLY.has(word) || /^--(?:config|data-dir)=/.test(word)) continue;
    if ((word === '--config' || word === '--data-dir') && argv[i + 1] !== undefined) {
      i++;
      continue;
    }
    return false;
  }
  return true;
}
