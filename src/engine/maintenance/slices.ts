/** Work that takes long in all, object by object, lets others run every few milliseconds: what one of hundreds of stripes has lost takes five to tell, of one stripe 0.1. */
const SLICE_MS = 10;

/** To be asked after each object: whether others are to run now. */
export function slices(nowMs: () => number): () => boolean {
  let beganMs: number | undefined = nowMs();
  return () => {
    const ms = nowMs();
    // How long the others took does not count.
    beganMs ??= ms;
    if (ms - beganMs < SLICE_MS) return false;
    beganMs = undefined;
    return true;
  };
}
