/** Limits of the bulk plane, with their reasons. All of them bound what a peer can make grow. */
import { MAX_CONNECTIONS } from '../limits.ts';

/** Bytes a peer may have under way at this node (request bodies and answers) before its socket is read no further. */
export const MAX_SERVED_BYTES_PER_PEER = 16 * 1024 * 1024;
/** The same for all peers together: beyond it, who has something under way gets one more frame in only while that is less than an equal share of this. */
export const MAX_SERVED_BYTES = 64 * 1024 * 1024;
/** Requests of one peer that are answered at once; the next is read when one of them has been answered. */
export const MAX_SERVED_REQUESTS = 64;
/** Bodies up to this travel with others in one write; a larger one is written as it lies, uncopied. */
export const SMALL_BODY_BYTES = 16 * 1024;
/** One write of small frames. */
export const MAX_BATCH_BYTES = 64 * 1024;
/**
 * Read buffer of a socket. When a frame has to wait, what the system had read already still comes: up to 64 KiB beside a begun head
 * (16 + at most 16 KiB) and a TLS record (16 KiB) must fit.
 */
export const READ_BUFFER_BYTES = 128 * 1024;
/** Frames that do not end within the mesh's FRAME_TIMEOUT_MS are looked for this often. */
export const FRAME_CHECK_MS = 5_000;
/** From TCP connect to the end of the TLS handshake. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** An offer that nobody took up by then is void. */
export const OFFER_LIFE_MS = 30_000;
/** Offers outstanding to all peers: two to each that can be connected. */
export const MAX_OFFERS = 2 * MAX_CONNECTIONS;
export const OFFER_TIMEOUT_MS = 3_000;
export const MAX_OFFER_BYTES = 1_024;
/** A request waits this long for the plane to a peer that is being opened; then it goes over libp2p. */
export const OPENING_WAIT_MS = 1_000;
/** After a failure (no route, a peer without the plane) the next try waits this long, doubled up to the last. */
export const RETRY_FIRST_MS = 5_000;
export const RETRY_LAST_MS = 5 * 60_000;
/** A cancelled request whose body is on its way waits this long for its answer: a write and an fsync of a busy disk. */
export const CANCEL_GRACE_MS = 3_000;
/** Received bodies kept for the next ones: as many bytes as two peers may have under way. */
export const MAX_POOLED_BYTES = 32 * 1024 * 1024;
/** One write (a batch of small frames, or one body) that the peer has not read after this time ends the socket. A shard of 4+2 over a link that carries 25 KiB a second to each. */
export const WRITE_TIMEOUT_MS = 60_000;
/**
 * A request whose time is up waits once more, this often at most, while so much has gone over its link since: four stripes of 4+2 to one holder are 5 MiB, for which a home's
 * uplink of 1 MB/s to five of them takes 20 s.
 */
export const PROGRESS_BYTES = 64 * 1024;
export const MAX_PROLONGED = 8;
