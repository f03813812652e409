/** A session on the full screen from first frame to exit status, whatever ends it. Tests start the console here with an engine of theirs. */
import { errorLine } from '../commands/format/error-line.ts';
import { asDatameshError } from '../errors.ts';
import { type FullScreen, openFullScreen } from './full-screen.tsx';
import type { Stage } from './root.tsx';
import { createSession } from './session.ts';
import type { Session, SessionDeps } from './session-contract.ts';
import { guardProcess, type Terminal } from './terminal.ts';
import { catchWarnings } from './warnings.ts';

export type SessionStart = Omit<SessionDeps, 'screen' | 'size'>;

/** What the configuration that was just written makes of a session. */
export type StartOf = (passphrase: string | undefined) => Promise<SessionStart>;

/** The console at once, without a wizard. */
export function runSession(terminal: Terminal, start: SessionStart): Promise<number> {
  let screen: FullScreen | undefined;
  const session = createSession({
    ...start,
    size: terminal.size(),
    screen: screenPort(terminal, start.env, () => screen),
  });
  return onScreen(terminal, start.theme, { kind: 'console', session }, (opened) => {
    screen = opened;
    session.start();
    return session;
  });
}

export function screenPort(
  terminal: Terminal,
  env: SessionDeps['env'],
  screen: () => FullScreen | undefined,
): SessionDeps['screen'] {
  return {
    async edit(text) {
      let edited = text;
      const { editInFile } = await import('./edit-line.ts');
      await screen()?.lend(async () => {
        edited = await editInFile(text, env);
      });
      return edited;
    },
    redraw: () => screen()?.redraw(),
    suspend: () => screen()?.suspend(),
    write: (text) => terminal.write(text),
    mouse: (on) => terminal.mouse(on),
  };
}

/** Draws `first`, waits for the session that `begin` gives (undefined: the wizard was left), and puts the terminal back in every case. */
export async function onScreen(
  terminal: Terminal,
  theme: SessionStart['theme'],
  first: Stage,
  begin: (screen: FullScreen) => Session | Promise<Session | number>,
): Promise<number> {
  let crash: unknown;
  let session: Session | undefined = first.kind === 'console' ? first.session : undefined;
  const early = Promise.withResolvers<number>();
  const guard = guardProcess(terminal, (exit, error) => {
    crash ??= error;
    if (session === undefined) early.resolve(exit);
    else session.stop(exit);
  });
  const warnings = catchWarnings((text) => session?.note(text));
  const screen = openFullScreen(terminal, first, theme);
  try {
    const run = async () => {
      const begun = await begin(screen);
      if (typeof begun === 'number') return begun;
      session = begun;
      return begun.done;
    };
    return await Promise.race([run(), early.promise]);
  } finally {
    await screen.close();
    warnings.release();
    guard.release();
    if (crash !== undefined) process.stderr.write(`${errorLine(asDatameshError(crash))}\n`);
  }
}
