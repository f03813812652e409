/** The wires between the hosts of a simulated mesh: addresses, connections coming and going, messages under way. */
import type { PeerId } from '../../src/engine/types.ts';
import type { Conditions } from './conditions.ts';
import type { Endpoint } from './endpoint.ts';
import type { SimRandom } from './random.ts';
import type { Owner, Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

/** Copies of a heartbeat that each node passes on (Dscore of mesh/gossip.ts is 2 of 4). */
const GOSSIP_FAN_OUT = 4;

interface Rumour {
  bytes: Uint8Array;
  seen: Set<Endpoint>;
}

export class Fabric {
  readonly timeline: Timeline;
  readonly conditions: Conditions;
  readonly trace: Trace;
  /** Messages under way. */
  inFlight = 0;
  /** Provider records, as the DHT would keep them. */
  readonly providers = new Map<string, Set<PeerId>>();
  /** Called as a request comes in, the first time or once more. */
  onRequest: ((to: Endpoint, protocol: string, request: Uint8Array, echo: boolean) => void) | undefined;
  /** Called as an answer leaves: who looks over a node's shoulder. */
  onAnswer: ((from: Endpoint, protocol: string, request: Uint8Array, answer: Uint8Array) => void) | undefined;
  readonly #random: SimRandom;
  readonly #hosts = new Map<string, { endpoint: Endpoint | undefined; poweredOn: boolean }>();
  #nextConnection = 1;

  constructor(timeline: Timeline, conditions: Conditions, trace: Trace, random: SimRandom) {
    this.timeline = timeline;
    this.conditions = conditions;
    this.trace = trace;
    this.#random = random;
  }

  connectionId(): number {
    return this.#nextConnection++;
  }

  /** A process listens on this host from now on. */
  listen(host: string, endpoint: Endpoint): void {
    this.#hosts.set(host, { endpoint, poweredOn: true });
  }

  /** Nobody does any more. A host without power does not even refuse. */
  silence(host: string, poweredOn: boolean): void {
    this.#hosts.set(host, { endpoint: undefined, poweredOn });
  }

  at(host: string): { endpoint: Endpoint | undefined; poweredOn: boolean } {
    return this.#hosts.get(host) ?? { endpoint: undefined, poweredOn: false };
  }

  /** `arrived` is called where the message comes in, once for each time it does; never when it is lost. */
  send(
    from: string,
    to: string,
    bytes: number,
    arrived: (echo: boolean) => void,
    options: { mayRepeat?: boolean; owner?: Owner | undefined } = {},
  ): void {
    const { arrivalsMs } = this.conditions.fate(from, to, bytes, options.mayRepeat ?? false);
    for (const [at, delayMs] of arrivalsMs.entries()) {
      this.inFlight++;
      const owner = this.at(to).endpoint?.owner;
      this.timeline.after(delayMs, undefined, 'arrival', () => {
        const now = this.at(to).endpoint?.owner;
        // A process that stands still reads its sockets later; one that died in between has its successor asked.
        if (now !== undefined && now === owner && now.frozenUntilMs > this.timeline.nowMs) {
          this.timeline.after(now.frozenUntilMs - this.timeline.nowMs, undefined, 'thaw', () => {
            this.inFlight--;
            arrived(at > 0);
          });
          return;
        }
        this.inFlight--;
        arrived(at > 0);
      });
    }
  }

  /** A heartbeat goes to some of those connected, and from whoever believes it on to others. */
  spread(from: Endpoint, bytes: Uint8Array): void {
    this.#pass(from, { bytes, seen: new Set([from]) });
  }

  #pass(from: Endpoint, rumour: Rumour): void {
    const to = from.connected().filter((peer) => {
      const host = from.hostOf(peer);
      const endpoint = host === undefined ? undefined : this.at(host).endpoint;
      return endpoint !== undefined && !rumour.seen.has(endpoint);
    });
    for (let count = 0; count < GOSSIP_FAN_OUT && to.length > 0; count++) {
      const [peer] = to.splice(Math.floor(this.#random.fraction() * to.length), 1);
      const host = from.hostOf(peer!)!;
      this.send(from.host, host, rumour.bytes.length, () => {
        const endpoint = this.at(host).endpoint;
        if (endpoint === undefined || rumour.seen.has(endpoint)) return;
        if (!endpoint.connected().includes(from.self)) return;
        rumour.seen.add(endpoint);
        if (endpoint.hears(from.self, rumour.bytes) === 'accept') this.#pass(endpoint, rumour);
      });
    }
  }
}
