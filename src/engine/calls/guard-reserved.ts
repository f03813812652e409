/** Callers of the engine may read what datamesh keeps under its own names, and neither take, change nor delete it. */
import { refuseReserved } from '../catalog/reserved-names.ts';
import type { NameCalls } from '../views/names.ts';

/** @param nameOf name of what a name or id stands for; may throw, then there is nothing to guard */
export function guardReserved(nameOf: (ref: string) => string) {
  /** Throws `bad-name`. */
  const reserved = (ref: string): void => {
    refuseReserved(ref);
    let name: string;
    try {
      name = nameOf(ref);
    } catch {
      return;
    }
    refuseReserved(name);
  };
  const names = (calls: NameCalls): NameCalls => ({
    ...calls,
    async hide(ref) {
      reserved(ref);
      return await calls.hide(ref);
    },
    async rename(from, to) {
      reserved(from);
      refuseReserved(to);
      return await calls.rename(from, to);
    },
    async duplicate(ref, to, options) {
      refuseReserved(to);
      return await calls.duplicate(ref, to, options);
    },
    async tag(ref, change) {
      reserved(ref);
      return await calls.tag(ref, change);
    },
  });
  return { reserved, names };
}
