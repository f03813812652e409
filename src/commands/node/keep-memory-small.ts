/** A node runs for weeks beside other programs: once it has settled, V8 keeps its memory together. */
import { setFlagsFromString } from 'node:v8';
import { LEAST_SEMI_SPACE } from './node-flags.ts';

/** A start compiles much and keeps most of it: what is scattered by then is not worth moving yet, and a node that comes back has repairs to do. */
const SETTLED_MS = 300_000;

/**
 * From then on V8 moves together what lies on pages that are a fifth empty, 6 MB at most in one collection; otherwise it waits until 70 % of a page is empty, at first. V8 looks at the
 * flag whenever it plans a collection, so it can be set late (`MarkCompactCollector::ComputeEvacuationHeuristics`). Not without a least size of the space for short-lived objects, which it would shrink as
 * well. What it comes to: docs/decisions/host-memory.md. Call what is given back to have it not set any more.
 */
export function keepMemorySmall(): () => void {
  if (!process.execArgv.includes(LEAST_SEMI_SPACE)) return () => {};
  const timer = setTimeout(() => setFlagsFromString('--optimize-for-size'), SETTLED_MS);
  timer.unref();
  return () => clearTimeout(timer);
}
