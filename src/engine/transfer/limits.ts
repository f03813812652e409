/** Limits of put and get, with their reasons. Memory of a transfer = window × (chunk + its shards), and PUT_LATE_BYTES at worst, whatever the file. */

/** Stripes under way in a put: enough to keep the links busy while one is fsynced. 4 × (4 + 6) MiB at 4+2. */
export const PUT_WINDOW_STRIPES = 4;
/**
 * Of stripes that ended without a holder, whose request still reads their memory: so much beside the window (one at least), then the put waits. A holder that did
 * well and takes no bytes in any more is left out after eleven of them (mesh/breaker.ts), and 16 stripes of the usual size fit: larger ones may have to wait until
 * its connection is closed.
 */
export const PUT_LATE_BYTES = 96 * 1024 * 1024;
/** Stripes read ahead in a get. */
export const GET_WINDOW_STRIPES = 4;
/** A holder must have fsynced a shard by then, or a spare one takes its place. */
export const PUT_TIMEOUT_MS = 20_000;
/** A put that failed waits this long for the requests it cancelled, before it takes back what they may have stored: longer than the grace of the bulk plane. */
export const CANCELLED_WAIT_MS = 4_000;
/** With k shards durable, a stripe gives up on a holder that takes this many times as long as those did, and a second at least. */
export const CUT_OFF_FACTOR = 4;
export const CUT_OFF_MIN_MS = 1_000;
export const GET_TIMEOUT_MS = 20_000;
export const ASK_TIMEOUT_MS = 5_000;
/** A read that broken connections left short of shards, before it or during it, asks their holders once more after this, which is time for a first redial. */
export const ASK_AGAIN_AFTER_MS = 1_000;
/** Shards of a failed put taken back at once: of a large one there are thousands. */
export const RELEASE_WINDOW = 64;
/** Extra requests beside late ones, as a share of the ordinary ones. */
export const HEDGE_SHARE = 0.05;
/** Hedges saved up: two holders of fourteen become slow while four stripes are under way, and twice that. */
export const HEDGE_BURST = 16;
/** A holder that has not answered by then is replaced as if it had failed: in health nobody takes that long, so it is no hedge. */
export const OVERDUE_MS = 2_000;
/** A smaller put is sent again in the time that its journal would take. Four stripes of the usual size. */
export const MIN_JOURNALED_BYTES = 16 * 1024 * 1024;
/** Of one put: 1.8 KiB a stripe at 10+4, so 16,384 stripes and more; beyond it the put cannot be gone on with. */
export const MAX_JOURNAL_BYTES = 64 * 1024 * 1024;
/** Puts that were interrupted and not begun again: the oldest is given up for a new one. */
export const MAX_JOURNALS = 16;
export const MAX_JOURNAL_AGE_MS = 3 * 24 * 60 * 60_000;
/** Candidates asked for shards of a stripe that was under way when a put stopped. */
export const MAX_ASKED_TO_RESUME = 64;
/** Of the cache of shards: the most that one read may fill. */
export const CACHED_READ_SHARE = 1 / 4;
