/** Child of the crash test: overwrites a few names for ever and tells each commit after it has returned. */
import { writeSync } from 'node:fs';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { entry, idOf } from './entries.ts';

const catalog = openCatalog(process.argv[2]!, realClock());
for (let i = 1; ; i += 1) {
  const name = `file ${i % 5}`;
  catalog.commit(entry(name, { objectId: idOf(`${name} ${i}`), sizeBytes: i, tags: ['crash', `n${i}`] }));
  writeSync(1, `${i}\n`);
}
