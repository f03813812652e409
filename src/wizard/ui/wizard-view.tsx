/**
 * CONTRACT between the wizard and the Ink root that hosts it (src/console/root.tsx, or ui/run-wizard.tsx for `init`):
 *
 *   const machine = createWizard(await gatherFacts(…));      // src/wizard/machine.ts, src/wizard/facts.ts
 *   useInput((input, key) => machine.key(input, key));       // the root's one useInput: forward EVERY key, always
 *   usePaste((text) => machine.paste(text));
 *   <WizardView machine={machine} />                         // inline, on the normal screen
 *   const outcome = await machine.done;                      // then switch to the console, or exit 130
 *   const typed = machine.takeTypedAhead();                  // what came after the last key: give it to the console
 *
 * The root never filters keys: the machine knows whether a text field is active, and leaves printable keys to it (the
 * field is an ink-text-input, which reads them itself). State changes happen in a microtask after the event, so all
 * handlers of one key see one state, whatever order Ink calls them in. After `done` the machine ignores keys, so the root
 * may start feeding its own state machine at once: nothing is lost or taken twice. `exitOnCtrlC: false` is required.
 */
import { useWindowSize } from 'ink';
import { useSyncExternalStore } from 'react';
import type { WizardMachine } from '../wizard-machine.ts';
import { WizardScreen } from './wizard-screen.tsx';

export interface WizardViewProps {
  machine: WizardMachine;
  /** Cells to draw in; those of the terminal when absent. */
  columns?: number;
}

export function WizardView({ machine, columns }: WizardViewProps) {
  const state = useSyncExternalStore(machine.subscribe, machine.getState);
  const window = useWindowSize();
  return (
    <WizardScreen
      state={state}
      columns={columns ?? window.columns}
      rows={window.rows}
      onText={machine.text}
    />
  );
}
