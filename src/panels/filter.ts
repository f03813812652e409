/** The filter language of the panels: words that must occur, `!word` that must not, `field:value`. Case does not matter. */

export interface Searchable {
  /** Everything a person sees of the item, in one text. */
  text: string;
  fields: Readonly<Record<string, string>>;
}

export function matchesFilter(item: Searchable, filter: string): boolean {
  if (filter === '') return true;
  const text = item.text.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!')
    .every((word) => {
      const wanted = !word.startsWith('!');
      const body = wanted ? word : word.slice(1);
      return matchesWord(item, text, body) === wanted;
    });
}

function matchesWord(item: Searchable, text: string, word: string): boolean {
  const colon = word.indexOf(':');
  const field = colon > 0 ? item.fields[word.slice(0, colon)] : undefined;
  if (field === undefined) return text.includes(word);
  return field.toLowerCase().includes(word.slice(colon + 1));
}
