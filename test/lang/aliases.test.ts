import { describe, expect, it } from 'vitest';
import { expandAliases } from '../../src/lang/aliases.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const aliases = new Map([
  ['big', 'list --sort size'],
  ['list', 'list --reverse'],
]);
const expand = (line: string) => expandAliases(line, aliases, registry);

describe('aliases', () => {
  it.each([
    ['big', 'list --sort size'],
    ['big 2026/', 'list --sort size 2026/'],
    ['status; big && big', 'status; list --sort size && list --sort size'],
    ['big | head 5', 'list --sort size | head 5'],
    ['time big', 'time list --sort size'],
    ['watch 2s big', 'watch 2s list --sort size'],
    // Once: what it stands for may begin with its own name.
    ['list', 'list --reverse'],
    // Not what is an argument, a filter, quoted, or about aliases.
    ['get big', 'get big'],
    ['status | big', 'status | big'],
    ["'big'", "'big'"],
    ['alias big=', 'alias big='],
    ['', ''],
  ])('%j is %j', (line, expected) => expect(expand(line)).toBe(expected));
});
