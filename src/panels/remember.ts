/**
 * Lists are filtered and sorted for each frame and each key, and change once a second: the last result for the same list and the same wishes
 * is kept with the list, and goes with it.
 */
export function remembering<Item, Wishes extends readonly unknown[], Result>(
  compute: (items: readonly Item[], ...wishes: Wishes) => Result,
): (items: readonly Item[], ...wishes: Wishes) => Result {
  const kept = new WeakMap<readonly Item[], { wishes: Wishes; result: Result }>();
  return (items, ...wishes) => {
    const known = kept.get(items);
    if (known?.wishes.every((wish, at) => wish === wishes[at])) return known.result;
    const result = compute(items, ...wishes);
    kept.set(items, { wishes, result });
    return result;
  };
}

/** What was computed of each text, of `most` texts at a time: then all are forgotten. */
export function rememberingTexts<Result>(
  most: number,
  compute: (text: string) => Result,
): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= most) known.clear();
    const result = compute(text);
    known.set(text, result);
    return result;
  };
}
