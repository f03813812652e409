/** A mesh of many nodes in a few processes, commanded from a test. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import type { PeerId } from '../../src/engine/types.ts';

export type MeshCommand =
  /** @param as another network than the tests' own, and offering nothing: peers to be seen among nodes that store */
  | { do: 'start'; nodes: { name: string; seed: string }[]; bootstrap: string[]; as?: string }
  | { do: 'meet'; bootstrap: string[] }
  | { do: 'stop'; name: string }
  | { do: 'join'; name: string; seed: string; bootstrap: string[]; peers: PeerId[]; object?: string }
  | { do: 'await'; peer: PeerId; state: 'known' | 'offline' }
  | { do: 'await-met'; count: number }
  | { do: 'provide'; name: string; object: string }
  | { do: 'find'; name: string; object: string }
  | { do: 'figures' };

export interface Figures {
  rssBytes: number;
  cpuMs: number;
  connections: number[];
  known: number[];
  /** Of each node here: how long ago it heard each other node by gossip. */
  heardAgoMs: number[][];
}

export interface NodeProcess {
  /** Names of its nodes. */
  names: string[];
  ask<T>(command: MeshCommand): Promise<T>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

const ENTRY = new URL('./mesh-nodes-entry.ts', import.meta.url).pathname;

export function seedOf(name: string): string {
  return createHash('sha256').update(`many nodes ${process.pid} ${name}`).digest('hex');
}

export function peerOf(name: string): PeerId {
  return deviceOfSeed(Buffer.from(seedOf(name), 'hex')).peerId;
}

/** @param background with the priority that a service has, in a session of its own as one (commands/node/give-way.ts) */
export function startProcess(background = false): NodeProcess {
  const args = background ? ['background'] : [];
  const child: ChildProcess = fork(ENTRY, args, {
    detached: background,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  let nextId = 0;
  child.on('message', ({ id, result, error }: { id: number; result?: never; error?: string }) => {
    const it = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) it?.resolve(result!);
    else it?.reject(new Error(error));
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the process has ended'));
    waiting.clear();
  });
  return {
    names: [],
    ask: (command) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        child.send({ id, command });
      }),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** The smallest value that `share` of all are not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}
