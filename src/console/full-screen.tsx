/** Runs a session in the alternate screen until it ends. */
import { type Instance, render } from 'ink';
import type { Theme } from '../panels/theme.ts';
import { tapMouse } from './mouse-reports.ts';
import { createStageStore, type Lend, Root, type Stage, type StageStore } from './root.tsx';
import type { Session } from './session-contract.ts';
import type { Terminal } from './terminal.ts';

/** Ink waits up to 33 ms between frames unless told otherwise, a third of what a typist may notice; a frame itself takes 2 to 9. */
const MAX_FRAMES_PER_SECOND = 60;
/** A process that still runs after this has not been stopped. */
const NOT_STOPPED_MS = 200;

export interface FullScreen {
  readonly stages: StageStore;
  /** From the wizard's inline screen into the console's own. */
  show(session: Session): void;
  redraw(): void;
  /** Gives the terminal to the shell until the process is continued. */
  suspend(): void;
  /** Gives the terminal to a program of the person's while `run` lasts. */
  lend(run: () => Promise<void>): Promise<void>;
  /** Takes Ink down and gives the terminal back. */
  close(): Promise<void>;
}

export function openFullScreen(terminal: Terminal, first: Stage, theme: Theme): FullScreen {
  const stages = createStageStore(first);
  const { stdout } = terminal;
  const stdin = tapMouse(terminal.stdin, {
    wanted: () => terminal.mouseWanted,
    report(report) {
      const stage = stages.get();
      if (stage.kind === 'console') stage.session.mouse(report);
    },
  });
  let instance: Instance | undefined;
  let lend: Lend | undefined;
  const onLend = (given: Lend) => {
    lend = given;
  };
  const root = <Root stages={stages} theme={theme} onLend={onLend} />;

  /** Ink forgets its last frame, the screen is emptied, and the next frame is drawn from the top. */
  const redraw = () => {
    if (!terminal.entered || instance === undefined) return;
    instance.clear();
    terminal.erase();
    instance.rerender(root);
  };

  let resized = false;
  // Before Ink's own listener, which is added by `render`: the tree must have its new size when Ink draws it.
  const onResize = () => {
    resized = true;
    const stage = stages.get();
    if (stage.kind !== 'console') return;
    const { columns, rows } = terminal.size();
    stage.session.resize(columns, rows);
    redraw();
  };

  // Node tells of a new size only when it differs from the last it saw. A window that was made smaller and large again in one go has lost
  // its content all the same.
  const onWindowChange = () => {
    if (!resized) onResize();
    resized = false;
  };

  /** Who stopped us without being asked (SIGSTOP) took the terminal as it was. */
  let onScreen = false;
  let timer: NodeJS.Timeout | undefined;

  /** Back from the shell: modes on again, everything drawn anew. */
  const resume = () => {
    clearTimeout(timer);
    process.off('SIGTSTP', stop).on('SIGTSTP', stop);
    if (terminal.entered) {
      onScreen = true;
      // The shell has put the keyboard into its own mode, and Node would believe that it still is in ours.
      terminal.restore();
    }
    terminal.raw();
    if (onScreen) terminal.enter();
    terminal.write('\u001b[?2004h');
    onResize();
    resized = false;
  };

  /** Ctrl-Z, and a SIGTSTP from anywhere: first the terminal is given back. */
  const stop = () => {
    onScreen = terminal.entered;
    terminal.restore();
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    // Without a shell that waits for us the kernel does not stop the process, and nobody would ever continue it.
    timer = setTimeout(resume, NOT_STOPPED_MS);
  };

  const canStop = process.platform !== 'win32';
  /** `false` while somebody else has the terminal: they stop and go on by themselves. */
  const heedStops = (on: boolean) => {
    clearTimeout(timer);
    process.off('SIGTSTP', stop).off('SIGCONT', resume);
    if (on && canStop) process.on('SIGTSTP', stop).on('SIGCONT', resume);
  };

  terminal.raw();
  if (first.kind === 'console') terminal.enter();
  stdout.on('resize', onResize);
  process.on('SIGWINCH', onWindowChange);
  heedStops(true);
  instance = render(root, {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    // Asked for by name, so drawn even where CI is set.
    interactive: true,
    incrementalRendering: true,
    maxFps: MAX_FRAMES_PER_SECOND,
  });

  return {
    stages,
    redraw,
    show(session) {
      instance?.clear();
      terminal.enter();
      stages.set({ kind: 'console', session });
    },
    suspend() {
      if (canStop) stop();
    },
    async lend(run) {
      if (lend === undefined) return;
      await lend(async () => {
        heedStops(false);
        terminal.restore();
        terminal.lent = true;
        try {
          await run();
        } finally {
          terminal.lent = false;
          heedStops(true);
          terminal.enter();
        }
      });
      onResize();
      resized = false;
    },
    async close() {
      stdout.off('resize', onResize);
      process.off('SIGWINCH', onWindowChange);
      heedStops(false);
      instance?.unmount();
      await instance?.waitUntilExit().catch(() => {});
      terminal.restore();
    },
  };
}
