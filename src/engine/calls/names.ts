/** What the owner does to names after a put, on a running node: all of it changes of the catalog, and nothing is sent. */
import { DatameshError } from '../../errors.ts';
import type { Entry } from '../catalog/catalog.ts';
import type { Node } from '../node.ts';
import type { NameCalls, VersionView } from '../views/names.ts';
import { asWord, findEntry, notFound, publicView } from './object-refs.ts';
import { ownerOf } from './put-object.ts';

const PAGE_VERSIONS = 1000;
const MAX_PAGE_VERSIONS = 10_000;

/**
 * @param changed called after each change of the catalog
 * @param renaming called before a name goes: what waits under it comes along only when it is in the catalog
 */
export function createNames(
  node: Pick<Node, 'catalog' | 'owner'>,
  changed: () => void,
  renaming: () => void,
): NameCalls {
  const { catalog } = node;
  const owner = () => ownerOf(node);

  /** The entry of a name or id. Throws `not-found`. */
  const entryOf = (ref: string, version?: number): Entry => {
    const entry = findEntry(catalog, owner(), ref, version);
    if (entry === undefined) throw notFound(catalog, owner(), ref, version);
    return entry;
  };
  /** The current version under the name that `ref` stands for. Throws `not-found`. */
  const currentOf = (ref: string): Entry => {
    const entry = entryOf(ref);
    if (entry.state === 'current') return entry;
    throw new DatameshError('not-found', {
      what: `${ref} is version ${entry.version} of ${JSON.stringify(entry.name)}, and not the current one`,
      mend: 'give the name',
    });
  };

  return {
    async versions(ref, query = {}) {
      const { ownerId } = owner();
      const limit = Math.min(query.limit ?? PAGE_VERSIONS, MAX_PAGE_VERSIONS);
      const read = (name: string) => catalog.history(ownerId, name, query.before, limit + 1);
      let found = read(ref);
      if (found.length === 0 && query.before === undefined) found = read(entryOf(ref).name);
      const versions = found.slice(0, limit).map(versionView);
      return { versions, before: found.length > limit ? versions.at(-1)!.version : undefined };
    },

    async hide(ref) {
      const hidden = catalog.hide(owner().ownerId, currentOf(ref).name);
      if (hidden === undefined) throw notFound(catalog, owner(), ref, undefined);
      changed();
      return versionView(hidden);
    },

    async undelete(name) {
      const { ownerId } = owner();
      const current = catalog.find(ownerId, name);
      if (current !== undefined) {
        throw new DatameshError('already-exists', {
          what: `${JSON.stringify(name)} is not deleted: it means version ${current.version}`,
          mend: `see what else there is with \`datamesh versions ${asWord(name)}\``,
        });
      }
      const back = catalog.unhide(ownerId, name);
      if (back === undefined) {
        throw new DatameshError('not-found', {
          what: `nothing that was deleted is kept under ${JSON.stringify(name.slice(0, 120))}`,
          mend: 'see what can be brought back with `datamesh list --deleted`',
        });
      }
      changed();
      return versionView(back);
    },

    async rename(from, to) {
      renaming();
      const renamed = catalog.rename(owner().ownerId, currentOf(from).name, to);
      if (renamed === undefined) throw notFound(catalog, owner(), from, undefined);
      changed();
      return { object: versionView(renamed.entry), versions: renamed.versions };
    },

    async duplicate(ref, to, options = {}) {
      const source = entryOf(ref, options.version);
      const { entry, replacedVersion } = catalog.duplicate(source, to, options.ifAbsent ?? false);
      changed();
      return { object: versionView(entry), replacedVersion };
    },

    async tag(ref, change) {
      const { name } = currentOf(ref);
      const tagged = catalog.retag(owner().ownerId, name, change.add ?? [], change.remove ?? []);
      if (tagged === undefined) throw notFound(catalog, owner(), ref, undefined);
      changed();
      return versionView(tagged);
    },
  };
}

function versionView(entry: Entry): VersionView {
  return { ...publicView(entry), state: entry.state, endedAtMs: entry.endedAtMs };
}
