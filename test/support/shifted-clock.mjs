/** Loaded into a node's process with --import: its wall clock is off by $CLOCK_SHIFT_MS, as on a machine whose battery died or whose year was mistyped. Monotonic time goes on as it is. */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0);

if (shiftMs !== 0) {
  const Real = Date;
  const now = () => Real.now() + shiftMs;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length === 0) super(now());
      else super(...given);
    }
    static now() {
      return now();
    }
  };
}
