/** Child of the crash test: a service whose object has no end. */
import { startControl } from '../../../src/engine/control/server.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';

const fake = createFakeEngine({ objects: [{ name: 'x', content: 'x' }] });
async function* endless() {
  for (;;) yield new Uint8Array(65_536);
}
const engine = Object.assign(fake, {
  get: async () => ({
    ...(await createFakeEngine({ objects: [{ name: 'x', content: 'x' }] }).get('x')),
    length: 2 ** 50,
    body: endless(),
  }),
});
await startControl(engine, { dataDir: process.argv[2]!, clock: realClock() });
process.stdout.write('ready\n');
