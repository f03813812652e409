/**
 * Byte counters per peer, per plane and per protocol. libp2p's own metrics are per process only, so this component counts
 * what passes each raw connection (wire bytes, encryption included) and each stream (payload bytes). What passes beside
 * libp2p is added by whoever carries it.
 */
import type { Connection, Metrics, MultiaddrConnection, Stream } from '@libp2p/interface';

export interface Counter {
  sentBytes: number;
  receivedBytes: number;
}

/** How bulk bytes stand among the protocols of `byProtocol`. */
const TLS_PROTOCOL = 'bulk over TLS';

/** Which connection to a peer carried the bytes: libp2p's, or the side connection for bulk data. */
export type Plane = 'libp2p' | 'tls';
export type PlaneCounters = Readonly<Record<Plane, Readonly<Counter>>>;

interface RawConnection extends Counter {
  peer: string | undefined;
}

export class TrafficMeter {
  /** Since the node started, all peers. */
  readonly total: Counter = { sentBytes: 0, receivedBytes: 0 };
  private readonly peers = new Map<string, Record<Plane, Counter>>();
  private readonly protocols = new Map<string, Counter>();
  private readonly open = new Map<string, RawConnection>();

  /** Both planes together. */
  peer(peerId: string): Counter {
    const { libp2p, tls } = this.planes(peerId);
    return {
      sentBytes: libp2p.sentBytes + tls.sentBytes,
      receivedBytes: libp2p.receivedBytes + tls.receivedBytes,
    };
  }

  planes(peerId: string): PlaneCounters {
    return this.peers.get(peerId) ?? { libp2p: zero(), tls: zero() };
  }

  /** Counts bytes that a plane of our own moved. Those of libp2p's connections are counted here already. */
  add(peerId: string, plane: Plane, direction: 'sent' | 'received', bytes: number): void {
    const [sent, received] = direction === 'sent' ? [bytes, 0] : [0, bytes];
    add(this.countersOf(peerId)[plane], sent, received);
    add(this.total, sent, received);
    if (plane === 'tls') add(counterIn(this.protocols, TLS_PROTOCOL), sent, received);
  }

  private countersOf(peerId: string): Record<Plane, Counter> {
    let counters = this.peers.get(peerId);
    if (counters === undefined) this.peers.set(peerId, (counters = { libp2p: zero(), tls: zero() }));
    return counters;
  }

  byProtocol(): { protocol: string; sentBytes: number; receivedBytes: number }[] {
    return [...this.protocols]
      .map(([protocol, counter]) => ({ protocol, ...counter }))
      .sort((a, b) => b.sentBytes + b.receivedBytes - (a.sentBytes + a.receivedBytes));
  }

  /** Drops the counter of a peer that membership forgot, so that strangers cannot make the map grow. */
  forget(peerId: string): void {
    this.peers.delete(peerId);
  }

  /** Called on libp2p's connection:open; what the handshake already moved is credited to the peer. */
  connectionOpened(connection: Connection): void {
    const raw = this.open.get(addressKey(connection.remoteAddr.toString()));
    if (raw === undefined || raw.peer !== undefined) return;
    raw.peer = connection.remotePeer.toString();
    add(this.countersOf(raw.peer).libp2p, raw.sentBytes, raw.receivedBytes);
  }

  connectionClosed(connection: Connection): void {
    this.open.delete(addressKey(connection.remoteAddr.toString()));
  }

  /** `onStream` sees every stream whose protocol is agreed, in either direction, before it carries anything. */
  libp2pMetrics(onStream: (stream: Stream) => void = () => {}): Metrics {
    const ignore = ignoringMetric();
    return {
      trackMultiaddrConnection: (connection: MultiaddrConnection) => this.trackRaw(connection),
      trackProtocolStream: (stream: Stream) => {
        this.trackStream(stream);
        onStream(stream);
      },
      registerMetric: () => ignore,
      registerMetricGroup: () => ignore,
      registerCounter: () => ignore,
      registerCounterGroup: () => ignore,
      registerHistogram: () => ignore,
      registerHistogramGroup: () => ignore,
      registerSummary: () => ignore,
      registerSummaryGroup: () => ignore,
      traceFunction: <F>(_name: string, run: F) => run,
      createTrace: () => undefined,
    } as unknown as Metrics;
  }

  private trackRaw(connection: MultiaddrConnection): void {
    const raw: RawConnection = { sentBytes: 0, receivedBytes: 0, peer: undefined };
    const key = addressKey(connection.remoteAddr.toString());
    this.open.set(key, raw);
    connection.addEventListener('close', () => {
      if (this.open.get(key) === raw) this.open.delete(key);
    });
    countBytes(connection, (sent, received) => {
      add(raw, sent, received);
      add(this.total, sent, received);
      if (raw.peer !== undefined) add(this.countersOf(raw.peer).libp2p, sent, received);
    });
  }

  private trackStream(stream: Stream): void {
    if (stream.protocol === undefined) return;
    const counter = counterIn(this.protocols, stream.protocol);
    countBytes(stream, (sent, received) => add(counter, sent, received));
  }
}

interface Countable {
  dispatchEvent(event: Event): boolean;
  send(data: { byteLength: number }): boolean;
}

/**
 * Wraps the two doors of a message stream: `send` for what leaves, the `message` event for what arrives. A listener of our own
 * would not do: a stream keeps what arrives until somebody listens, and hands it to whoever listens first alone.
 */
export function countBytes(stream: object, count: (sentBytes: number, receivedBytes: number) => void): void {
  const target = stream as Countable;
  const dispatch = target.dispatchEvent.bind(target);
  const send = target.send.bind(target);
  target.dispatchEvent = (event) => {
    if (event.type === 'message')
      count(0, (event as unknown as { data: { byteLength: number } }).data.byteLength);
    return dispatch(event);
  };
  target.send = (data) => {
    count(data.byteLength, 0);
    return send(data);
  };
}

function add(counter: Counter, sentBytes: number, receivedBytes: number): void {
  counter.sentBytes += sentBytes;
  counter.receivedBytes += receivedBytes;
}

function counterIn(map: Map<string, Counter>, key: string): Counter {
  let counter = map.get(key);
  if (counter === undefined) map.set(key, (counter = zero()));
  return counter;
}

function zero(): Counter {
  return { sentBytes: 0, receivedBytes: 0 };
}

function addressKey(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '');
}

function ignoringMetric() {
  const timer = () => () => {};
  return { update() {}, increment() {}, decrement() {}, reset() {}, observe() {}, timer };
}
