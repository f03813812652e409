/** What a session is made of and what it offers: session.ts is the one that is. */
import type { Context } from '../commands/command.ts';
import type { Host } from '../commands/execute.ts';
import type { Registry } from '../commands/registry.ts';
import type { EditorMode } from '../config/schema.ts';
import type { Clock } from '../engine/effects/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { Theme } from '../panels/theme.ts';
import type { History } from '../repl/history.ts';
import type { KeyBindings } from '../repl/key-bindings.ts';
import type { KeyPress } from '../repl/keys.ts';
import type { Completion } from '../repl/prompt-state.ts';
import type { LateRegistry } from './late-registry.ts';
import type { MouseReport } from './mouse-reports.ts';
import type { ConsoleServices, ConsoleState } from './state.ts';

export interface EngineLink {
  engine: Engine;
  /** attached: it belongs to a service and lives on without us. */
  kind: 'embedded' | 'attached';
}

export interface SessionDeps {
  clock: Clock;
  env: Context['env'];
  cwd: string;
  theme: Theme;
  registry: Registry | LateRegistry;
  history: History;
  name: string;
  network: string;
  size: { columns: number; rows: number };
  /** Lines said in the Output before anything else. */
  welcome?: readonly string[];
  /** The keyboard; that of the table where it is not given. */
  keys?: KeyBindings;
  editorMode?: EditorMode;
  mouse?: boolean;
  openEngine(ask: (prompt: string) => Promise<string | undefined>): Promise<EngineLink>;
  /** What a command asks beyond the engine. */
  surroundings: Pick<Host, 'config' | 'configPath' | 'service'>;
  complete(text: string, caret: number, engine: Engine | undefined): Promise<Completion>;
  screen: {
    redraw(): void;
    suspend(): void;
    /** Lends the terminal to the person's editor; the text as it was saved. Throws `failed`. */
    edit(text: string): Promise<string>;
    /** Raw bytes that draw nothing (the clipboard sequence). */
    write(text: string): void;
    /** Reports of the mouse on or off. */
    mouse(on: boolean): void;
  };
}

export interface Session {
  readonly services: ConsoleServices;
  getState(): ConsoleState;
  subscribe(listener: () => void): () => void;
  keys(keys: readonly KeyPress[]): void;
  paste(text: string): void;
  mouse(report: MouseReport): void;
  resize(columns: number, rows: number): void;
  /** A line of the program's own in the Output. */
  note(text: string): void;
  /** Opens the engine and begins to sample. */
  start(): void;
  /** Ends the console as if it had been left; the exit status is what `done` gives. */
  stop(exit: number): void;
  readonly done: Promise<number>;
}
