/** A node that other processes of this user may talk to: the engine and its control socket, opened and closed together. */
import { realClock } from './effects/clock.ts';
import type { Engine } from './engine.ts';
import { openEngine } from './local.ts';
import type { EngineOptions } from './options.ts';

/** As `openEngine`, with the control API on the data folder's socket. */
export async function openServingEngine(options: EngineOptions): Promise<Engine> {
  const { startControl } = await import('./control/server.ts');
  const engine = await openEngine({ ...options, mode: 'service' });
  try {
    const control = await startControl(engine, { dataDir: options.dataDir, clock: realClock() });
    return {
      ...engine,
      async close() {
        await control.close();
        await engine.close();
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
