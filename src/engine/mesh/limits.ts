/** Limits of the mesh, with their reasons. All of them bound what a stranger can make grow. */

/** Kept streams per peer and protocol on the asking side: 4–8 fill a link, measured with 1 MiB shards. */
export const LANES_PER_PEER = 6;
/** Requests waiting for a lane to one peer; more is a caller without back-pressure. */
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
/** Connections this node keeps; a home mesh has tens of peers. */
export const MAX_CONNECTIONS = 1000;
/** Inbound connections a second from one host. The default of 5 breaks a mesh of processes on one machine. */
export const INBOUND_CONNECTIONS_PER_SECOND = 1000;
export const MAX_PENDING_INBOUND = 200;
/** Peers remembered, connected or not; the oldest offline one is forgotten first. */
export const MAX_KNOWN_PEERS = 2000;
/** NodeInfos handed to a peer in one hello. */
export const MAX_EXCHANGED_PEERS = 64;
/** Certificates a peer may present: owners it acts for. */
export const MAX_CERTIFICATES = 16;
/** Body of a hello: 64 signed NodeInfos of ≤ 2 KiB. */
export const MAX_HELLO_BYTES = 256 * 1024;
/** One signed NodeInfo. */
export const MAX_NODE_INFO_BYTES = 4 * 1024;

/** A hello is the heartbeat: interval, and the time after which a peer that answers none is suspect, then offline. */
export const HELLO_INTERVAL_MS = 2_000;
export const HELLO_TIMEOUT_MS = 3_000;
export const SUSPECT_AFTER_MS = 5_000;
export const OFFLINE_AFTER_MS = 12_000;
/** Re-dial of bootstrap and known peers: first wait, doubled up to the last, with jitter. */
export const REDIAL_FIRST_MS = 500;
export const REDIAL_MAX_MS = 30_000;
export const DIAL_TIMEOUT_MS = 5_000;
/** Dials under way at once. */
export const MAX_PARALLEL_DIALS = 8;
