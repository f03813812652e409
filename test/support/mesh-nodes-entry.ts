/**
 * A process with many nodes in it, without store or catalog, for tests of a mesh of many. Commands come by IPC, one answer to each;
 * times are the wall clock's, which all processes of one machine share.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { giveWay } from '../../src/commands/node/give-way.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { tolerateStrayRejections } from '../../src/engine/effects/stray-errors.ts';
import { objectRouting } from '../../src/engine/mesh/dht.ts';
import type { ObjectId, PeerId } from '../../src/engine/types.ts';
import { startPeer, type TestPeer } from '../engine/mesh/support.ts';
import type { MeshCommand } from './many-nodes.ts';

const nodes = new Map<string, TestPeer>();
const clock = realClock();
const POLL_MS = 5;

async function start(name: string, bootstrap: string[], seed: string, as?: string): Promise<TestPeer> {
  const guest = as === undefined ? {} : { network: as, capacityBytes: 0 };
  const node = await startPeer(name, { bootstrap, seed: Buffer.from(seed, 'hex'), ...guest });
  nodes.set(name, node);
  return node;
}

const known = (node: TestPeer) => node.membership.members().filter(({ info }) => info !== undefined);

async function handle(command: MeshCommand): Promise<unknown> {
  switch (command.do) {
    case 'start': {
      const started = [];
      for (const { name, seed } of command.nodes)
        started.push(await start(name, command.bootstrap, seed, command.as));
      return started.map(({ address }) => address);
    }
    // Every node here dials these from now on.
    case 'meet': {
      for (const node of nodes.values()) {
        for (const address of command.bootstrap) {
          if (!address.includes(node.peerId)) await node.membership.join(address);
        }
      }
      return undefined;
    }
    case 'stop': {
      await nodes.get(command.name)!.stop();
      nodes.delete(command.name);
      return undefined;
    }
    // Starts a node and tells when it knew all of `peers`, when each of them had answered it, and when it had found who has `object`.
    case 'join': {
      const atMs = Date.now();
      const node = await start(command.name, command.bootstrap, command.seed);
      const upMs = Date.now();
      const until = async (has: (peer: PeerId) => boolean) => {
        while (!command.peers.every(has)) await sleep(POLL_MS);
        return Date.now();
      };
      const found = async () => {
        const routing = objectRouting(node.host, clock);
        while (command.object !== undefined) {
          if ((await routing.findProviders(command.object as ObjectId)).length > 0) break;
          await sleep(POLL_MS);
        }
        return Date.now();
      };
      const [knewMs, metMs, foundMs] = await Promise.all([
        until((peer) => node.membership.member(peer)?.info !== undefined),
        until((peer) => node.membership.member(peer)?.greeted === true),
        found(),
      ]);
      return { atMs, upMs, knewMs, metMs, foundMs };
    }
    // Resolves when every node here is in the wanted state towards `peer`.
    case 'await': {
      const { peer, state } = command;
      const fits = (node: TestPeer) => {
        const member = node.membership.member(peer);
        if (state === 'known') return member?.info !== undefined;
        return member === undefined || member.state === 'offline';
      };
      while (![...nodes.values()].every((node) => node.peerId === peer || fits(node))) await sleep(POLL_MS);
      return Date.now();
    }
    case 'await-met': {
      const { count } = command;
      const met = (node: TestPeer) => node.membership.members().filter(({ greeted }) => greeted).length;
      while (![...nodes.values()].every((node) => met(node) === count)) await sleep(POLL_MS);
      return Date.now();
    }
    case 'provide':
      return await objectRouting(nodes.get(command.name)!.host, clock).provide(command.object as ObjectId);
    case 'find': {
      const before = performance.now();
      const found = await objectRouting(nodes.get(command.name)!.host, clock).findProviders(
        command.object as ObjectId,
      );
      return { tookMs: performance.now() - before, found };
    }
    case 'figures':
      return {
        rssBytes: process.memoryUsage().rss,
        cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
        connections: [...nodes.values()].map((node) => node.host.getConnections().length),
        heardAgoMs: [...nodes.values()].map((node) =>
          node.membership
            .members()
            .flatMap(({ heard }) => (heard === undefined ? [] : [clock.monotonic() - heard.atMs])),
        ),
        known: [...nodes.values()].map((node) => known(node).length),
      };
  }
}

if (process.argv.includes('background')) giveWay();
tolerateStrayRejections(() => {});
process.on('message', ({ id, command }: { id: number; command: MeshCommand }) => {
  handle(command).then(
    (result) => process.send!({ id, result: result ?? null }),
    (error: unknown) => process.send!({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
