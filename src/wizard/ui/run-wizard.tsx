/** The wizard alone, for `datamesh init` on a terminal: its own Ink root, inline, the terminal given back in every case. */
import { render, useInput, usePaste } from 'ink';
import type { WizardMachine, WizardOutcome } from '../wizard-machine.ts';
import { WizardView } from './wizard-view.tsx';

export async function runWizard(machine: WizardMachine): Promise<WizardOutcome> {
  // Before the first frame: Ink does it after that, and a Ctrl-C pressed in between would end the process without a question.
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  const instance = render(<Root machine={machine} />, {
    exitOnCtrlC: false,
    patchConsole: false,
    interactive: true,
  });
  try {
    return await machine.done;
  } finally {
    instance.unmount();
    await instance.waitUntilExit();
  }
}

function Root({ machine }: { machine: WizardMachine }) {
  useInput((input, key) => machine.key(input, key));
  usePaste((text) => machine.paste(text));
  return <WizardView machine={machine} />;
}
