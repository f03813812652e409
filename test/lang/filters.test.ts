import { describe, expect, it } from 'vitest';
import { applyFilters, type Filter, parseFilter } from '../../src/lang/filters.ts';

const rows = [
  { name: 'b', size: 10, tags: ['x'], code: { k: 4, m: 2 } },
  { name: 'a', size: 2048, tags: [], code: { k: 2, m: 1 } },
  { name: 'C', size: undefined, tags: ['x', 'y'], code: { k: 4, m: 2 } },
];
const span = { start: 0, end: 0, line: 1, column: 1 };

function run(...texts: string[]): unknown[] {
  const filters = texts.map((text): Filter => {
    const result = parseFilter(text.split(' ').map((word) => ({ text: word, span })));
    if (!('filter' in result)) throw new Error(result.diagnostic.message);
    return result.filter;
  });
  return applyFilters(rows, filters).map((row) => ('name' in row ? row.name : row));
}

describe('filters', () => {
  it.each([
    [['head 1'], ['b']],
    [['head 0'], []],
    [['tail 1'], ['C']],
    [['tail 0'], []],
    [['sort name'], ['C', 'a', 'b']],
    [['sort size'], ['b', 'a', 'C']],
    [['grep y'], ['C']],
    [['grep -i c'], ['C']],
    [['grep -v x'], ['a']],
    [['where size > 1KiB'], ['a']],
    [['where size >= 10'], ['b', 'a']],
    [['where size < 11'], ['b']],
    [['where size != 10'], ['a', 'C']],
    [['where name = a'], ['a']],
    [['where name ~ [ab]'], ['b', 'a']],
    [['where code.k = 4'], ['b', 'C']],
    [['where nothing = 1'], []],
    [['count'], [{ count: 3 }]],
    [['where size > 5', 'count'], [{ count: 2 }]],
    [['cols size', 'head 1'], [{ size: 10 }]],
    [['sort name', 'head 2', 'tail 1'], ['a']],
  ])('%j', (texts, expected) => expect(run(...texts)).toEqual(expected));

  it('sorts in reverse without turning round what is equal', () => {
    const equal = [
      { name: '1', v: 1 },
      { name: '2', v: 1 },
      { name: '3', v: 2 },
    ];
    expect(
      applyFilters(equal, [{ kind: 'sort', column: 'v', reverse: true }]).map((row) => row.name),
    ).toEqual(['3', '1', '2']);
  });
});
