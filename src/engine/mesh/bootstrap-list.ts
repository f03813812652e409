/**
 * Bootstrap addresses with priorities: "/ip4/…/tcp/…/p2p/…?priority=10". Lower is dialled first, as with MX and SRV records;
 * without one it is 0. A later group is dialled only while nobody of the earlier ones is connected and each was tried.
 */
import type { PeerId } from '../types.ts';

export interface BootstrapEntry {
  /** Multiaddr, without the priority. */
  address: string;
  priority: number;
}

const ENTRY = /^(.*?)(?:\?priority=(\d{1,3}))?$/s;

export function parseBootstrap(entry: string): BootstrapEntry {
  const [, address = entry, priority = '0'] = ENTRY.exec(entry) ?? [];
  return { address, priority: Number(priority) };
}

export interface SeedView {
  priority: number;
  connected: boolean;
  /** Its last dial failed, or its connection was lost and not won back yet. */
  failed: boolean;
}

/** Which seeds to dial now, by index. */
export function seedsToDial(seeds: readonly SeedView[]): number[] {
  const priorities = [...new Set(seeds.map(({ priority }) => priority))].sort((a, b) => a - b);
  const wanted: number[] = [];
  for (const priority of priorities) {
    const group = seeds.flatMap((seed, index) => (seed.priority === priority ? [{ ...seed, index }] : []));
    for (const { index, connected } of group) if (!connected) wanted.push(index);
    if (group.some(({ connected, failed }) => connected || !failed)) break;
  }
  return wanted;
}

/** Whom a multiaddr names at its end; undefined when it names nobody. */
export function peerOfAddress(address: string): PeerId | undefined {
  return /\/p2p\/(\w+)$/.exec(address)?.[1] as PeerId | undefined;
}
