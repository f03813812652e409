/** What the names of an owner are, as plain values: which versions, newest first, and whether the name means the newest or was deleted. */

export type Step =
  | { do: 'put'; name: string; seed: number; size: number }
  | { do: 'hide' | 'undelete' | 'purge'; name: string }
  | { do: 'rename' | 'copy'; name: string; to: string }
  | { do: 'tag'; name: string; tag: string };

export interface NameState {
  deleted: boolean;
  /** Contents, newest first, each as "seed/size". */
  versions: string[];
  /** Of the newest. */
  tags: string[];
}

export type NamesState = { [name: string]: NameState };

export const contentOf = (seed: number, size: number) => `${seed}/${size}`;

/** What the step makes of the state; undefined when it is refused and changes nothing. */
export function applied(state: NamesState, step: Step): NamesState | undefined {
  const next = structuredClone(state);
  const there = next[step.name];
  const current = there !== undefined && !there.deleted;
  switch (step.do) {
    case 'put': {
      const versions = [contentOf(step.seed, step.size), ...(there?.versions ?? [])];
      next[step.name] = { deleted: false, versions, tags: [] };
      return next;
    }
    case 'hide':
      if (!current) return undefined;
      there.deleted = true;
      return next;
    case 'undelete':
      if (there === undefined || current) return undefined;
      there.deleted = false;
      return next;
    case 'purge':
      if (there === undefined) return undefined;
      delete next[step.name];
      return next;
    case 'tag':
      if (!current) return undefined;
      there.tags = [...new Set([...there.tags, step.tag])];
      return next;
    case 'rename': {
      const target = next[step.to];
      if (!current || (target !== undefined && !target.deleted)) return undefined;
      next[step.to] = { ...there, versions: [...there.versions, ...(target?.versions ?? [])] };
      delete next[step.name];
      return next;
    }
    case 'copy': {
      if (!current) return undefined;
      const before = next[step.to]?.versions ?? [];
      next[step.to] = { deleted: false, versions: [there.versions[0]!, ...before], tags: there.tags };
      return next;
    }
  }
}

/** States that a process may leave that died in the step: before it, after it, and, as purging takes a version at a time from the oldest on, between two of those. */
export function lawful(state: NamesState, step: Step | undefined): NamesState[] {
  if (step === undefined) return [state];
  const after = applied(state, step);
  if (after === undefined) return [state];
  if (step.do !== 'purge') return [state, after];
  const { versions, ...rest } = state[step.name]!;
  const between = versions.slice(1).map((_version, at) => ({
    ...structuredClone(state),
    [step.name]: { ...rest, versions: versions.slice(0, at + 1) },
  }));
  return [state, ...between, after];
}

/** The same whatever the order of names and tags. */
export function canonical(state: NamesState): string {
  const names = Object.keys(state).sort();
  return JSON.stringify(
    names.map((name) => {
      const { deleted, versions, tags } = state[name]!;
      return [name, deleted, versions, tags.toSorted()];
    }),
  );
}
