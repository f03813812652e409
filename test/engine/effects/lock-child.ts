/** A process that takes the lock of argv[2], says so, and holds it until its stdin ends or it is killed. */
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';

try {
  const lock = await acquireLock(realDisk(), process.argv[2] ?? '', realClock());
  process.stdout.write('held\n');
  process.stdin.resume();
  process.stdin.on('end', () => void lock.release());
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code} ${(error as Error).message}\n`);
}
