import { type Target, targets } from './targets.ts';
import { controlTargets } from './targets-control.ts';
import { diskTargets } from './targets-disk.ts';
import { textTargets } from './targets-texts.ts';
import { wireTargets } from './targets-wire.ts';

/** Every decoder of bytes that somebody else may have written. */
export async function allTargets(): Promise<Target[]> {
  return [...targets, ...wireTargets, ...(await diskTargets()), ...controlTargets, ...(await textTargets())];
}
