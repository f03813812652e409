/** The mesh's side of a sync: what a name means now, and what a deletion in the mesh was of. */
import type { Engine } from '../../../engine/engine.ts';
import type { VersionView } from '../../../engine/views/names.ts';
import { asDatameshError } from '../../../errors.ts';

/** Newest versions of a deleted name that are looked at: those a device put that had not heard of the deletion. */
const LOOKED_AT = 100;

/** Undefined where nothing has the name. */
export async function nowInMesh(
  engine: Pick<Engine, 'find'>,
  name: string,
): Promise<{ hash: string; version: number } | undefined> {
  const found = await engine.find(name).catch(absentIsUndefined);
  // A name that nobody has may be taken for the beginning of an id.
  return found?.name === name ? { hash: found.contentHash, version: found.version } : undefined;
}

/**
 * Whether the name was deleted when it meant something older than `hash`. Two devices may have put and deleted it without having heard of each other: then the deletion may hold
 * in the catalog, and what was put lies above it as a version that nobody has meant to delete.
 */
export async function meantOlder(
  engine: Pick<Engine, 'names'>,
  name: string,
  hash: string,
): Promise<boolean> {
  const found = await engine.names.versions(name, { limit: LOOKED_AT }).catch(absentIsUndefined);
  const deleted = found?.versions.find(({ state }: VersionView) => state === 'deleted');
  if (found === undefined || deleted === undefined || deleted.name !== name) return false;
  return found.versions.some(({ version, contentHash }) => version > deleted.version && contentHash === hash);
}

/** Neither of what is there nor of what was deleted. */
export async function knowsNothing(engine: Pick<Engine, 'list'>): Promise<boolean> {
  for (const deleted of [false, true])
    if ((await engine.list({ limit: 1, deleted })).objects.length > 0) return false;
  return true;
}

function absentIsUndefined(error: unknown): undefined {
  if (asDatameshError(error).code === 'not-found') return undefined;
  throw error;
}
