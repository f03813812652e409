/** Names of the fake engine: versions, deletion and its undoing, renames, copies and tags, as the real catalog has them. */
import type { Engine, ObjectView } from '../../src/engine/engine.ts';
import { checkRegex } from '../../src/engine/search/regex-filter.ts';
import { hasWords, wordsOf } from '../../src/engine/search/words.ts';
import type { VersionView } from '../../src/engine/views/names.ts';
import { DatameshError } from '../../src/errors.ts';

interface Stored {
  view: ObjectView;
  content: Uint8Array;
}

interface Parts {
  enter(method: 'names' | 'search' | 'popular'): Promise<void>;
  find(ref: string, version?: number): Stored;
  versions: Map<string, Stored[]>;
  deleted: Map<string, Stored[]>;
  nowMs(): number;
}

export function fakeNames({
  enter,
  find,
  versions,
  deleted,
  nowMs,
}: Parts): Pick<Engine, 'names' | 'search' | 'popular'> {
  const viewOf = ({ view }: Stored): VersionView => {
    const gone = deleted.get(view.name);
    const list = gone ?? versions.get(view.name)!;
    const head = list.at(-1)!.view.version === view.version;
    return {
      ...view,
      state: !head ? 'old' : gone ? 'deleted' : 'current',
      endedAtMs: head && !gone ? undefined : nowMs(),
    };
  };
  const taken = (name: string) =>
    new DatameshError('already-exists', { what: `there is already an object "${name}"` });
  const names: Engine['names'] = {
    async versions(ref) {
      await enter('names');
      const list = deleted.get(ref) ?? versions.get(ref) ?? versions.get(find(ref).view.name)!;
      return { versions: list.map(viewOf).reverse(), before: undefined };
    },
    async hide(ref) {
      await enter('names');
      const found = find(ref);
      const view = viewOf(found);
      deleted.set(view.name, versions.get(view.name)!);
      versions.delete(view.name);
      return view;
    },
    async undelete(name) {
      await enter('names');
      if (versions.has(name)) throw taken(name);
      const list = deleted.get(name);
      if (list === undefined) throw new DatameshError('not-found', { what: `no deleted object "${name}"` });
      deleted.delete(name);
      versions.set(name, list);
      return viewOf(list.at(-1)!);
    },
    async rename(from, to) {
      await enter('names');
      const { name } = find(from).view;
      if (versions.has(to)) throw taken(to);
      const list = versions.get(name)!.map((it) => ({ ...it, view: { ...it.view, name: to } }));
      versions.delete(name);
      versions.set(to, list);
      return { object: viewOf(list.at(-1)!), versions: list.length };
    },
    async duplicate(ref, to, options = {}) {
      await enter('names');
      const source = find(ref, options.version);
      const before = versions.get(to) ?? [];
      if (before.length > 0 && options.ifAbsent) throw taken(to);
      const replacedVersion = before.at(-1)?.view.version;
      const made = { ...source, view: { ...source.view, name: to, version: (replacedVersion ?? 0) + 1 } };
      versions.set(to, [...before, made]);
      return { object: viewOf(made), replacedVersion };
    },
    async tag(ref, { add = [], remove = [] }) {
      await enter('names');
      const found = find(ref);
      const tags = [...found.view.tags.filter((it) => !remove.includes(it)), ...add];
      found.view = { ...found.view, tags: [...new Set(tags)] };
      return viewOf(found);
    },
  };
  const current = () => [...versions.values()].map((list) => list.at(-1)!.view);
  return {
    names,
    async search({
      text = '',
      regex,
      fileType,
      tag,
      minBytes = 0,
      maxBytes = Number.POSITIVE_INFINITY,
      ...rest
    }) {
      await enter('search');
      if (regex !== undefined) checkRegex(regex);
      const hits = current()
        .filter((it) => hasWords(`${it.name} ${it.tags.join(' ')}`, wordsOf(text)))
        .filter((it) => regex === undefined || new RegExp(regex, 'u').test(it.name))
        .filter(
          (it) =>
            fileType === undefined || it.mimeType.startsWith(fileType) || it.name.endsWith(`.${fileType}`),
        )
        .filter((it) => tag === undefined || it.tags.includes(tag))
        .filter(
          (it) =>
            it.sizeBytes >= minBytes && it.sizeBytes <= maxBytes && it.createdAtMs >= (rest.sinceMs ?? 0),
        )
        .reverse();
      const from = Number(rest.cursor ?? 0);
      const to = from + (rest.limit ?? 100);
      return { objects: hits.slice(from, to), cursor: to < hits.length ? String(to) : undefined };
    },
    async popular({ limit = 20 }) {
      await enter('popular');
      return current()
        .slice(0, limit)
        .map((object, at) => ({
          object,
          reads: 9 - at,
          bytes: (9 - at) * object.sizeBytes,
          lastReadAtMs: nowMs(),
        }));
    },
  };
}
