/** First start: the wizard on the normal screen, then, in the same Ink root, the console on its own. */
import { useWindowSize } from 'ink';
import type { Config } from '../config/schema.ts';
import { realRandom } from '../engine/effects/random.ts';
import { EXIT } from '../errors.ts';
import { themeFrom } from '../panels/theme.ts';
import { gatherFacts } from '../wizard/gather-facts.ts';
import { createWizard } from '../wizard/machine.ts';
import { WizardView } from '../wizard/ui/wizard-view.tsx';
import type { WizardMachine } from '../wizard/wizard-machine.ts';
import type { FullScreen } from './full-screen.tsx';
import { onScreen, type SessionStart, screenPort } from './open-session.tsx';
import type { Stage } from './root.tsx';
import { createSession, type Session } from './session.ts';
import { openTerminal, type Terminal } from './terminal.ts';

type StartOf = (config: Config, passphrase: string | undefined) => Promise<SessionStart>;

export async function runWizardThenConsole(
  options: { configPath: string },
  startOf: StartOf,
): Promise<number> {
  const terminal = openTerminal(process.stdin, process.stdout);
  const { configPath } = options;
  const request = { configPath, env: process.env, random: realRandom(), size: terminal.size() };
  const machine = createWizard({ ...request, facts: await gatherFacts(request) });
  const view = <SizedWizard machine={machine} />;
  const first: Stage = { kind: 'wizard', machine, view };
  return onScreen(terminal, themeFrom(process.env), first, (screen) =>
    handOver(terminal, screen, machine, view, startOf),
  );
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
  const waiting: Extract<Stage, { kind: 'waiting' }> = { kind: 'waiting', typed: [], view };
  screen.stages.set(waiting);
  const start = await startOf(outcome.config, outcome.passphrase);
  const session = createSession({
    ...start,
    size: terminal.size(),
    screen: screenPort(terminal, () => screen),
  });
  screen.show(session);
  for (const typed of waiting.typed) {
    if (typed.kind === 'keys') session.keys(typed.keys);
    else session.paste(typed.text);
  }
  session.start();
  return session;
}

function SizedWizard({ machine }: { machine: WizardMachine }) {
  const { columns } = useWindowSize();
  return <WizardView machine={machine} columns={columns} />;
}
