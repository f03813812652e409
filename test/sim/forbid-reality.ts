import { performance } from 'node:perf_hooks';

/**
 * Makes every real clock, timer and source of chance throw for the rest of the process, so that a run can depend on none. Returns the
 * real clock (ms) for whoever measures the simulator itself.
 */
export function forbidReality(): () => number {
  const realNow = performance.now.bind(performance);
  const forbidden = (what: string) => () => {
    throw new Error(`${what} is real, and this is a simulation`);
  };
  for (const name of ['setTimeout', 'setInterval'] as const)
    Object.defineProperty(globalThis, name, { value: forbidden(name) });
  Object.defineProperty(performance, 'now', { value: forbidden('performance.now') });
  Date.now = forbidden('Date.now');
  Math.random = forbidden('Math.random');
  return realNow;
}
