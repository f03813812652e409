/** Limits of the mesh, with their reasons. All of them bound what a stranger can make grow. */

/** Kept streams per peer and protocol on the asking side: 4–8 fill a link, measured with 1 MiB shards. */
export const LANES_PER_PEER = 6;
/** Requests waiting for a lane to one peer, or under way on its bulk plane; more is a caller without back-pressure. */
export const MAX_QUEUED_REQUESTS = 1024;
/** Inbound streams of one protocol on one connection: lanes of the peer, twice, for reconnects. libp2p's default is 32. */
export const MAX_INBOUND_STREAMS = 2 * LANES_PER_PEER;
/** A frame begun must end within this time, else the stream is reset: half a header must not hold memory for ever. */
export const FRAME_TIMEOUT_MS = 60_000;
/** Bytes a stream may hold unsent before a writer waits (facts of the transport: one drain is not "empty"). */
export const WRITE_HIGH_WATER_BYTES = 2 * 1024 * 1024;
/** yamux: window = one 1 MiB shard twice; the read buffer must be larger than the window or the stream resets. */
export const YAMUX_WINDOW_BYTES = 2 * 1024 * 1024;
export const YAMUX_READ_BUFFER_BYTES = 8 * 1024 * 1024;
/** Inbound streams of one connection, of all protocols: two of ours with 12 each, the DHT's, gossip, some not negotiated yet. Default 1000. */
export const MAX_INBOUND_STREAMS_IN_ALL = 128;
/** Of the DHT on one connection: its queries open one for each question. */
export const MAX_DHT_STREAMS = 32;
/** On one stream of a protocol that is not ours: a DHT answer has some KiB, gossip of 2000 nodes 300 KiB in all 30 s. */
export const GUARDED_STREAM_RATE = { perSecond: 512 * 1024, burst: 1024 * 1024 };
/** Peers this node keeps a connection to (seats.ts); a home mesh has tens of them. */
export const MAX_CONNECTIONS = 1000;
/** libp2p's own limit of inbound connections a second from one host (default 5, which breaks a mesh of processes on one machine). */
export const INBOUND_CONNECTIONS_PER_SECOND = 1000;
/** Ours, from one host: a hundred nodes on one machine may start at once, then come back one by one. */
export const INBOUND_RATE = { perSecond: 20, burst: 256 };
/** Inbound connections that have not shown who they are. */
export const MAX_PENDING_INBOUND = 400;
/** Of those from one host: whoever opens many and says nothing must not keep out all others. */
export const MAX_PENDING_OF_HOST = 100;
/** Peers remembered, connected or not; the oldest offline one is forgotten first. */
export const MAX_KNOWN_PEERS = 2000;
/** NodeInfos handed to a peer in one hello. */
export const MAX_EXCHANGED_PEERS = 64;
/** Of those together, before base64 makes them a third longer: strangers may have made theirs as long as they can be, and the hello must still pass. */
export const MAX_EXCHANGED_BYTES = 128 * 1024;
/** Certificates a peer may present: owners it acts for. */
export const MAX_CERTIFICATES = 16;
/** Body of a hello: 64 signed NodeInfos of ≤ 2 KiB. */
export const MAX_HELLO_BYTES = 256 * 1024;
/** One signed NodeInfo. */
export const MAX_NODE_INFO_BYTES = 4 * 1024;

/**
 * A hello tells that the way to a connected peer works, and its round trip: every 2 s to each of four peers; in a larger mesh two
 * a second in all, each peer every 10 s at least. Who falls silent in gossip, or does not answer, is asked every 2 s again.
 */
export const HELLO_INTERVAL_MS = 2_000;
export const HELLO_MAX_INTERVAL_MS = 10_000;
export const HELLOS_PER_SECOND = 2;
/** The time after which a peer that answers none is suspect, then offline. */
export const HELLO_TIMEOUT_MS = 3_000;
/** Of that, for the first hello of a peer, before it is said once more: a newcomer should not wait for the next beat. */
export const FIRST_HELLO_TIMEOUT_MS = 1_000;
export const SUSPECT_AFTER_MS = 5_000;
export const OFFLINE_AFTER_MS = 12_000;
/** Re-dial of bootstrap and known peers: first wait, doubled up to the last, with jitter. */
export const REDIAL_FIRST_MS = 500;
export const REDIAL_MAX_MS = 15_000;
export const DIAL_TIMEOUT_MS = 5_000;
/** Dials of ours under way at once; half of them for addresses that failed before. */
export const MAX_PARALLEL_DIALS = 16;
/** libp2p's queue carries the DHT's dials too: dead addresses that it tries must not hold ours back. */
export const MAX_HOST_DIALS = 100;

/** Hellos of one peer: one in 1–10 s is honest, a few more at a reconnect. */
export const HELLO_RATE = { perSecond: 5, burst: 30 };
/** Other requests of one peer: above what one core can answer of the smallest (4 KiB shards), measured 24,000/s at the ceiling. */
export const REQUEST_RATE = { perSecond: 30_000, burst: 60_000 };
/** Offences forgiven: a few at once (a bug, another version), then one in ten seconds. Beyond: banned. */
export const OFFENCE_RATE = { perSecond: 0.1, burst: 20 };
export const BAN_MS = 60_000;

/** Gossip messages taken from one peer, each at the cost of a signature check (0.1 ms): heartbeats of 2000 nodes at 30 s, ten times. */
export const GOSSIP_RATE = { perSecond: 600, burst: 1_000 };
/** Of those, about nodes never heard of: each is verified, remembered and dialled. Two hundred nodes may start at once behind one peer. */
export const NEWCOMER_RATE = { perSecond: 5, burst: 200 };
/** One RPC of gossipsub: some messages and its control lists. */
export const MAX_GOSSIP_RPC_BYTES = 256 * 1024;
export const MAX_GOSSIP_UNSENT_BYTES = 1024 * 1024;
/** Without gossip a hello signs a NodeInfo anew after this time. */
export const NODE_INFO_MAX_AGE_MS = 10_000;
/** Heartbeats by gossip: every 2 s in a small mesh; in a larger one as often as makes 2 messages a second in all (each is sent four times by every node). */
export const GOSSIP_MIN_MS = 2_000;
export const GOSSIP_MAX_MS = 30_000;
export const GOSSIP_PER_SECOND = 2;
/** Two NodeInfos of one node within this time: the second is not passed on. */
export const GOSSIP_MIN_GAP_MS = 300;
/** A NodeInfo issued longer ago is not believed from gossip, nor one from the future; clocks may differ by this. */
export const GOSSIP_FRESH_MS = 10 * 60_000;
/** Heartbeats carry the wall time of their issue; an older one says nothing of now. */
export const HEARD_MS = 60_000;
