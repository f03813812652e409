import { describe, expect, it } from 'vitest';
import { commandHelp } from '../../src/commands/format/help.ts';
import { createRegistry } from '../../src/commands/registry.ts';
import { parseArgv } from '../../src/lang/argv.ts';
import { GLOBAL_OPTIONS } from '../../src/lang/global-options.ts';
import { parse } from '../../src/lang/parser.ts';
import { runLine, testHost } from '../support/host.ts';
import { realRegistry, testCommand } from '../support/registry.ts';

const registry = realRegistry();

describe('createRegistry', () => {
  it('refuses two commands of one name', () => {
    expect(() =>
      createRegistry([testCommand({ path: ['a'] }), testCommand({ path: ['b'], synonyms: [['a']] })]),
    ).toThrow(RangeError);
  });

  it('finds the longest path, and synonyms', () => {
    const own = createRegistry([
      testCommand({ path: ['a'] }),
      testCommand({ path: ['a', 'b'], synonyms: [['c']] }),
    ]);
    expect(own.find(['a', 'x'])).toMatchObject({ length: 1, command: { path: ['a'] } });
    expect(own.find(['a', 'b', 'x'])).toMatchObject({ length: 2, command: { path: ['a', 'b'] } });
    expect(own.find(['c'])).toMatchObject({ length: 1, command: { path: ['a', 'b'] } });
    expect(own.find(['b'])).toBeUndefined();
    expect(own.next(['a']).map(({ word }) => word)).toEqual(['b']);
  });
});

describe.each(registry.commands.map((command) => [command.path.join(' '), command] as const))(
  '%s',
  (_name, command) => {
    it('has a summary, an option table without clashes, and required arguments first', () => {
      expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
      const names = command.options.map((option) => option.name);
      expect(new Set(names).size).toBe(names.length);
      const shorts = command.options.flatMap((option) => option.short ?? []);
      expect(new Set(shorts).size).toBe(shorts.length);
      // -h, -q, -v and -y mean the same everywhere.
      for (const option of GLOBAL_OPTIONS) if (option.short) expect(shorts).not.toContain(option.short);
      const firstOptional = command.args.findIndex((arg) => !arg.required);
      if (firstOptional >= 0)
        expect(command.args.slice(firstOptional).every((arg) => !arg.required)).toBe(true);
      expect(command.args.slice(0, -1).every((arg) => !arg.variadic)).toBe(true);
    });

    it('has help that names it, its options and its three examples', async () => {
      const host = testHost();
      expect(await runLine(host, ...command.path, '--help')).toBe(0);
      const text = host.seen.notes.join('\n');
      expect(text).toContain(`Usage: datamesh ${command.path.join(' ')}`);
      for (const option of command.options) expect(text).toContain(`--${option.name}`);
      expect(command.examples).toHaveLength(3);
      for (const example of command.examples) expect(text).toContain(example.line);
      for (const width of [40, 80, 200]) {
        expect(commandHelp(command, width).every((line) => line === line.trimEnd())).toBe(true);
      }
    });

    it('has examples that parse', () => {
      for (const { line } of command.examples) {
        if (line === 'datamesh --version') continue;
        // What a shell would do with pipes, redirections and substitutions is not ours; our part of the line is.
        const own =
          /(?:^|\| |\$\()(datamesh [^|<>&;"]*(?:"[^"]*"[^|<>&;"]*)*|(?!.*datamesh ).*$)/.exec(line)?.[1] ??
          line;
        const words = own.replace(/\)$/, '').trim();
        const { diagnostics } = parse(words, { registry, env: { HOME: '/h' } });
        const serious = command.group === 'console' || command.path[0]?.startsWith('__') ? [] : diagnostics;
        expect(serious.map(({ message }) => `${words}: ${message}`)).toEqual([]);
      }
    });
  },
);

describe('every default', () => {
  it('is a value of its type', () => {
    for (const command of registry.commands) {
      const needed = command.args
        .filter((arg) => arg.required)
        .map((arg) =>
          arg.type.kind === 'enum' ? arg.type.values[0] : arg.type.kind === 'multiaddr' ? '/x' : '5',
        ) as string[];
      const { commands } = parseArgv([...command.path, '--', ...needed], registry);
      for (const option of command.options.filter((each) => each.default !== undefined)) {
        expect(commands[0]?.values[option.name], `${command.path.join(' ')} --${option.name}`).toBeDefined();
      }
    }
  });
});

describe('help', () => {
  it.each([
    [[]],
    [['topics']],
    [['exit-codes']],
    [['environment']],
    [['formatting']],
    [['batch']],
    [['redundancy']],
    [['keys']],
    [['put']],
    [['upload']],
  ])('%j', async (words) => {
    const host = testHost();
    expect(await runLine(host, 'help', ...words)).toBe(0);
    expect(host.seen.notes.length).toBeGreaterThan(3);
    const json = testHost();
    expect(await runLine(json, 'help', ...words, '--json')).toBe(0);
    expect(json.seen.records.length).toBeGreaterThan(0);
  });

  it('suggests what is nearly a command', async () => {
    const host = testHost();
    expect(await runLine(host, 'help', 'ptu')).toBe(2);
    expect(host.seen.errors[0]?.mend).toMatch(/put/);
  });

  it('lists every command that is not hidden', async () => {
    const host = testHost();
    await runLine(host, 'help');
    const text = host.seen.notes.join('\n');
    for (const command of registry.commands) {
      if (command.hidden) expect(text).not.toContain(command.path.join(' '));
      else expect(text).toContain(`  ${command.path.join(' ')}`);
    }
  });
});
