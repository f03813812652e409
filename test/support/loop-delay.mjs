/** Loaded into a node's process with --import: writes the event loop's delay of the last seconds to $LOOP_DELAY_DIR/PID.json, for the soak to read. */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const folder = process.env.LOOP_DELAY_DIR;
const EVERY_MS = 2_000;

if (isMainThread && folder !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const path = `${folder}/${process.pid}.json`;
  setInterval(() => {
    // The resolution is part of what is measured.
    const ms = (ns) => Math.max(0, ns / 1e6 - 10);
    writeFileSync(
      `${path}.new`,
      JSON.stringify({ p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }),
    );
    renameSync(`${path}.new`, path);
  }, EVERY_MS).unref();
}
