/** `datamesh …`: chooses the mode, runs it, and sees to it that the process ends with the right status. */
import { chooseMode } from './mode.ts';

/** The exit status. Loads only what the mode needs: `--version` neither configuration nor commands. */
export async function main(argv: readonly string[]): Promise<number> {
  const { env } = process;
  const mode = chooseMode(argv, {
    stdinIsTty: process.stdin.isTTY === true,
    stdoutIsTty: process.stdout.isTTY === true,
    ci: (env.CI ?? '') !== '' && env.CI !== 'false' && env.CI !== '0',
  });
  if (mode.kind === 'version') {
    const { VERSION } = await import('../version.ts');
    process.stdout.on('error', () => {});
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  if (mode.kind === 'refuse') {
    const [{ DatameshError }, { errorLine }] = await Promise.all([
      import('../errors.ts'),
      import('../commands/format/error-line.ts'),
    ]);
    const error = new DatameshError('not-a-terminal', mode);
    process.stderr.write(`${errorLine(error)}\n`);
    return error.exit;
  }
  const { runOneShot } = await import('./one-shot.ts');
  const words = mode.kind === 'command' ? argv : [mode.kind, ...argv];
  return runOneShot(words);
}
