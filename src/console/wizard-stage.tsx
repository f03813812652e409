/** First start: the wizard on the normal screen, then, in the same Ink root, the console on its own. */
import { realRandom } from '../engine/effects/random.ts';
import { EXIT } from '../errors.ts';
import { themeFrom } from '../panels/theme.ts';
import { keysFromText } from '../repl/keys.ts';
import { gatherFacts } from '../wizard/gather-facts.ts';
import { createWizard } from '../wizard/machine.ts';
import { WizardView } from '../wizard/ui/wizard-view.tsx';
import type { WizardMachine } from '../wizard/wizard-machine.ts';
import type { FullScreen } from './full-screen.tsx';
import { onScreen, type SessionStart, type StartOf, screenPort } from './open-session.tsx';
import type { Stage } from './root.tsx';
import { createSession } from './session.ts';
import type { Session } from './session-contract.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export async function runWizardThenConsole(
  options: { configPath: string },
  startOf: StartOf,
): Promise<number> {
  const terminal = openTerminal(process.stdin, process.stdout);
  const machine = await wizardOf(options.configPath, terminal.size());
  const view = <WizardView machine={machine} />;
  const first: Stage = { kind: 'wizard', machine, view };
  return onScreen(terminal, themeFrom(process.env), first, (screen) =>
    handOver(terminal, screen, machine, view, startOf),
  );
}

/** For a terminal too small for panels: the wizard in a root of its own; the line REPL follows. A number is the exit status of one that was left. */
export async function runWizardAlone(
  options: { configPath: string },
  startOf: StartOf,
): Promise<SessionStart | number> {
  const { columns, rows } = process.stdout;
  const machine = await wizardOf(options.configPath, { columns, rows });
  const { runWizard } = await import('../wizard/ui/run-wizard.tsx');
  const outcome = await runWizard(machine);
  if (outcome.kind === 'left') return EXIT.interrupted;
  if (outcome.kind !== 'written' || !outcome.openConsole) return EXIT.ok;
  return startOf(outcome.passphrase);
}

async function wizardOf(configPath: string, size: { columns: number; rows: number }): Promise<WizardMachine> {
  const request = { configPath, env: process.env, random: realRandom(), size };
  return createWizard({ ...request, facts: await gatherFacts(request) });
}

/** From the wizard's end on keys are collected, and the console's first act is to take them. */
async function handOver(
  terminal: Terminal,
  screen: FullScreen,
  machine: WizardMachine,
  view: Extract<Stage, { kind: 'wizard' }>['view'],
  startOf: StartOf,
): Promise<Session | number> {
  const outcome = await machine.done;
  if (outcome.kind === 'left') return EXIT.interrupted;
  if (outcome.kind !== 'written' || !outcome.openConsole) return EXIT.ok;
  const waiting: Extract<Stage, { kind: 'waiting' }> = {
    kind: 'waiting',
    // A burst may hold the wizard's last Enter and a command in one write.
    typed: [{ kind: 'keys', keys: keysFromText(machine.takeTypedAhead()) }],
    view,
  };
  screen.stages.set(waiting);
  const start = await startOf(outcome.passphrase);
  const session = createSession({
    ...start,
    size: terminal.size(),
    screen: screenPort(terminal, process.env, () => screen),
  });
  screen.show(session);
  for (const typed of waiting.typed) {
    if (typed.kind === 'keys') session.keys(typed.keys);
    else session.paste(typed.text);
  }
  session.start();
  return session;
}
