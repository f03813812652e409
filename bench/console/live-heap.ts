/** What a process of Node holds when nothing is left to collect, asked through its inspector. */
import { once } from 'node:events';
import { freePort } from '../../test/support/free-port.ts';

const MIB = 2 ** 20;

export interface Inspected {
  /** Variables to start the process with. */
  readonly env: Record<string, string>;
  /** Collects all that can be, and says what is left on the heap of the main thread and in its buffers, in MiB. */
  liveMiB(): Promise<number>;
}

/** For a process that is yet to be started; it listens on 127.0.0.1 and says nothing of it on its terminal. */
export async function inspected(): Promise<Inspected> {
  const port = await freePort();
  return {
    env: { NODE_OPTIONS: `--inspect=127.0.0.1:${port} --inspect-publish-uid=http` },
    async liveMiB() {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
      const socket = new WebSocket(target!.webSocketDebuggerUrl);
      await once(socket, 'open');
      try {
        // What a first round finds dead, as finalisers, sets more free.
        for (let round = 0; round < 3; round++) await ask(socket, 'HeapProfiler.collectGarbage');
        const { usedSize, backingStorageSize } = await ask(socket, 'Runtime.getHeapUsage');
        return (usedSize! + (backingStorageSize ?? 0)) / MIB;
      } finally {
        socket.close();
      }
    },
  };
}

let asked = 0;

async function ask(socket: WebSocket, method: string): Promise<Record<string, number>> {
  const id = ++asked;
  socket.send(JSON.stringify({ id, method }));
  for (;;) {
    const [event] = (await once(socket, 'message')) as [{ data: string }];
    const said = JSON.parse(event.data) as { id?: number; result?: Record<string, number> };
    if (said.id !== id) continue;
    if (said.result === undefined) throw new Error(`${method}: ${event.data}`);
    return said.result;
  }
}
