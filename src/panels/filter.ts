/** The filter language of the panels: words that must occur, `!word` that must not, `field:value`. Case does not matter. */

export interface Searchable<Item> {
  /** Everything a person sees of the item, in one text; made only where a word needs it. */
  text(item: Item): string;
  fields: ReadonlyMap<string, (item: Item) => string>;
}

/** Read once, used for many items: a list may have a hundred thousand. */
export function filterOf<Item>(filter: string, searchable: Searchable<Item>): (item: Item) => boolean {
  const tests = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!')
    .map((word) => {
      const wanted = !word.startsWith('!');
      const body = wanted ? word : word.slice(1);
      const colon = body.indexOf(':');
      const field = searchable.fields.get(body.slice(0, Math.max(0, colon)));
      const value = field === undefined ? body : body.slice(colon + 1);
      return { wanted, value, of: field ?? searchable.text };
    });
  return (item) => {
    for (const { wanted, value, of } of tests) {
      if (of(item).toLowerCase().includes(value) !== wanted) return false;
    }
    return true;
  };
}
