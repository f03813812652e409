/** Limits of put and get, with their reasons. Memory of a transfer = window × (chunk + its shards), whatever the file. */

/** Stripes under way in a put: enough to keep the links busy while one is fsynced. 4 × (4 + 6) MiB at 4+2. */
export const PUT_WINDOW_STRIPES = 4;
/** Stripes read ahead in a get. */
export const GET_WINDOW_STRIPES = 4;
/** A holder must have fsynced a shard by then, or a spare one takes its place. */
export const PUT_TIMEOUT_MS = 20_000;
export const GET_TIMEOUT_MS = 20_000;
export const ASK_TIMEOUT_MS = 5_000;
/** A further holder is asked when the first ones take longer than this many times the usual, within these bounds. */
export const HEDGE_FACTOR = 4;
export const HEDGE_MIN_MS = 200;
export const HEDGE_MAX_MS = 2_000;
