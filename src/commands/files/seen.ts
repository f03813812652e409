import type { Engine, ObjectView } from '../../engine/engine.ts';

/** What a dry run would work on: of a version that is named, that one. Throws `not-found`. */
export function seen(engine: Engine, ref: string, version: number | undefined): Promise<ObjectView> {
  return version === undefined ? engine.find(ref) : engine.info(ref, { version, stripeLimit: 0 });
}
