/**
 * CONTRACT between the wizard and the Ink root that hosts it (src/console/root.tsx, or ui/run-wizard.tsx for `init`):
 *
 *   const machine = createWizard(await gatherFacts(…));      // src/wizard/machine.ts, src/wizard/facts.ts
 *   useInput((input, key) => machine.key(input, key));       // the root's one useInput: forward EVERY key, always
 *   <WizardView machine={machine} columns={80} />            // inline, on the normal screen
 *   const outcome = await machine.done;                      // then switch to the console, or exit 130
 *
 * The root never filters keys: the machine knows whether a text field is active, and leaves printable keys to it (the
 * field is an ink-text-input, which reads them itself). State changes happen in a microtask after the event, so all
 * handlers of one key see one state, whatever order Ink calls them in. After `done` the machine ignores keys, so the root
 * may start feeding its own state machine at once: nothing is lost or taken twice. `exitOnCtrlC: false` is required.
 */
import { useSyncExternalStore } from 'react';
import type { WizardMachine } from '../wizard-machine.ts';
import { WizardScreen } from './wizard-screen.tsx';

export interface WizardViewProps {
  machine: WizardMachine;
  /** Cells of the terminal; 80 where unknown. */
  columns?: number;
}

export function WizardView({ machine, columns = 80 }: WizardViewProps) {
  const state = useSyncExternalStore(machine.subscribe, machine.getState);
  return <WizardScreen state={state} columns={columns} onText={machine.text} />;
}
