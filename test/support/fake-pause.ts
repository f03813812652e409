import { DatameshError } from '../../src/errors.ts';

/** Waits with real timers, or not at all without a delay. Throws `cancelled` as soon as the signal fires. */
export async function fakePause(delayMs: number | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) throw new DatameshError('cancelled', { what: 'cancelled' });
  if (delayMs === undefined) return;
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DatameshError('cancelled', { what: 'cancelled' }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
