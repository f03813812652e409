/** What a dry run looks at, so that it ends as the real run would. */
import { nameTaken } from '../../engine/catalog/entry-rows.ts';
import type { Engine, ObjectView } from '../../engine/engine.ts';
import { asDatameshError } from '../../errors.ts';

/** What it would work on: of a version that is named, that one. Throws `not-found`. */
export function seen(engine: Engine, ref: string, version: number | undefined): Promise<ObjectView> {
  return version === undefined ? engine.find(ref) : engine.info(ref, { version, stripeLimit: 0 });
}

/** Throws `already-exists` when something is stored under the name. */
export async function refuseTaken(engine: Engine, name: string, orElse?: string): Promise<void> {
  // A word that is no name may be the beginning of an id, or of many.
  const there = await engine.find(name).catch((error: unknown) => {
    if (!['not-found', 'bad-value'].includes(asDatameshError(error).code)) throw error;
  });
  if (there?.name === name) throw nameTaken(name, there.version, orElse);
}
