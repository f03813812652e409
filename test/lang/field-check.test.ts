/** Fields that no record has are told before anything runs. */
import { describe, expect, it } from 'vitest';
import { wholeRegistry } from '../../src/commands/all.ts';
import { parse } from '../../src/lang/parser.ts';

const registry = wholeRegistry();
const problems = (text: string) =>
  parse(text, { registry, env: { HOME: '/home/ann' } }).diagnostics.map(
    ({ span, message, suggestions }) =>
      `${span.column} ${message}${suggestions.length > 0 ? `: ${suggestions[0]}` : ''}`,
  );

describe('fields in filters and options', () => {
  it.each([
    ['list | where sizebytes > 100', "14 there is no field 'sizebytes' here: sizeBytes"],
    ['list | where sizeBytes >', "14 nothing stands behind '>'"],
    ['list | where sizeBytes > abc', "14 'abc' is no number"],
    ['list | where sizeBytes > 1XiB', "14 '1XiB' is no number"],
    ['list | sort foo', "13 there is no field 'foo' here"],
    ['list | cols name,nope', "13 there is no field 'nope' here"],
    ['list | cols name | where sizeBytes > 1', "26 there is no field 'sizeBytes' here"],
    ['list | count | sort name', "21 there is no field 'name' here"],
    ['list --json=nope', "6 there is no field 'nope' here"],
    ['status --json=sahrds,name', "8 there is no field 'sahrds' here: shards"],
    ['list --columns nope', "6 there is no field 'nope' here"],
  ])('%s', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each([
    'list | where sizeBytes > 1MiB | sort -r sizeBytes | cols name,sizeBytes',
    'list | where createdAtMs > 2026-11-01',
    'list | where name ~ hello',
    'list | where name ~ ^a | count | where count > 3',
    "list | where name = ''",
    'list --json=name,sizeBytes',
    'jobs list | where state = running',
    'peers | sort rttMs',
  ])('%s', (text) => {
    expect(problems(text)).toEqual([]);
  });

  it('the fields a batch was told to print are no fault of its commands', () => {
    const flags = { ...parse('status', { registry }).commands[0]!.options, columns: ['name'] };
    expect(parse('put file', { registry, flags }).diagnostics).toEqual([]);
  });
});
