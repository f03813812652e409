/** The real command table, and a few commands that show what the binder can do. */

import { wholeRegistry } from '../../src/commands/all.ts';
import type { Command } from '../../src/commands/command.ts';
import { createRegistry } from '../../src/commands/registry.ts';

export const realRegistry = wholeRegistry;

export function testCommand(parts: Partial<Command> & Pick<Command, 'path'>): Command {
  const line = { line: 'datamesh x', note: 'x' };
  return {
    group: 'start',
    summary: 'A command of a test',
    args: [],
    options: [],
    examples: [line, line, line],
    effects: 'reads',
    needs: 'nothing',
    async run() {},
    ...parts,
  };
}

/** One option of every type; `all FIRST [REST…]`. */
export const everyTypeCommand = testCommand({
  path: ['all'],
  synonyms: [['every', 'thing']],
  args: [
    { name: 'first', type: { kind: 'string' }, summary: 'first', required: true },
    { name: 'rest', type: { kind: 'string' }, summary: 'rest', required: false, variadic: true },
  ],
  options: [
    { name: 'size', short: 's', type: { kind: 'size' }, summary: 'a size' },
    { name: 'wait', type: { kind: 'duration' }, summary: 'a duration' },
    { name: 'code', type: { kind: 'code' }, summary: 'a code' },
    {
      name: 'color-of',
      type: { kind: 'enum', values: ['red', 'green'] },
      summary: 'an enum',
      default: 'red',
    },
    { name: 'number', short: 'n', type: { kind: 'integer', min: 1, max: 9 }, summary: 'an integer' },
    { name: 'tag', short: 't', type: { kind: 'string' }, summary: 'tags', repeatable: true },
    { name: 'force', short: 'f', summary: 'a flag' },
    { name: 'all', short: 'a', summary: 'another flag' },
    { name: 'to', type: { kind: 'multiaddr' }, summary: 'an address' },
  ],
});

export const testRegistry = () =>
  createRegistry([
    everyTypeCommand,
    testCommand({ path: ['plain'] }),
    testCommand({ path: ['keys', 'list'] }),
    testCommand({
      path: ['keys', 'new'],
      args: [{ name: 'name', type: { kind: 'key-name' }, summary: 'name', required: false }],
    }),
    testCommand({ path: ['jobs', 'list'], synonyms: [['jobs']] }),
    testCommand({ path: ['jobs', 'show'] }),
    testCommand({ path: ['service'] }),
    testCommand({ path: ['service', 'start'] }),
    testCommand({
      path: ['help'],
      args: [{ name: 'words', type: { kind: 'command' }, summary: 'words', required: false, variadic: true }],
    }),
    testCommand({ path: ['secret'], hidden: true }),
  ]);
