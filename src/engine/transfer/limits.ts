/** Limits of put and get, with their reasons. Memory of a transfer = window × (chunk + its shards), whatever the file. */

/** Stripes under way in a put: enough to keep the links busy while one is fsynced. 4 × (4 + 6) MiB at 4+2. */
export const PUT_WINDOW_STRIPES = 4;
/** Stripes read ahead in a get. */
export const GET_WINDOW_STRIPES = 4;
/** A holder must have fsynced a shard by then, or a spare one takes its place. */
export const PUT_TIMEOUT_MS = 20_000;
/** With k shards durable, a stripe gives up on a holder that takes this many times as long as those did, and a second at least. */
export const CUT_OFF_FACTOR = 4;
export const CUT_OFF_MIN_MS = 1_000;
export const GET_TIMEOUT_MS = 20_000;
export const ASK_TIMEOUT_MS = 5_000;
/** Extra requests beside late ones, as a share of the ordinary ones. */
export const HEDGE_SHARE = 0.05;
/** Hedges saved up: two holders of fourteen become slow while four stripes are under way, and twice that. */
export const HEDGE_BURST = 16;
/** A holder that has not answered by then is replaced as if it had failed: in health nobody takes that long, so it is no hedge. */
export const OVERDUE_MS = 2_000;
