/** The filter language of the panels: words that must occur, `!word` that must not, `field:value`. Case does not matter. */

export interface Searchable {
  /** Everything a person sees of the item, in one text. */
  text: string;
  fields: Readonly<Record<string, string>>;
}

/** Read once, used for many items: a list may have a hundred thousand. */
export function filterOf(filter: string): (item: Searchable) => boolean {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!')
    .map((word) => {
      const wanted = !word.startsWith('!');
      const body = wanted ? word : word.slice(1);
      const colon = body.indexOf(':');
      return { wanted, body, field: colon > 0 ? body.slice(0, colon) : '', value: body.slice(colon + 1) };
    });
  return (item) => {
    if (words.length === 0) return true;
    const text = item.text.toLowerCase();
    return words.every(({ wanted, body, field, value }) => {
      const own = field === '' ? undefined : item.fields[field];
      const found = own === undefined ? text.includes(body) : own.toLowerCase().includes(value);
      return found === wanted;
    });
  };
}
