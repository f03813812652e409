import { describe, expect, it } from 'vitest';
import { EVERYDAY, everydayCommand } from '../../src/commands/everyday.ts';
import { commandWord } from '../../src/lang/argv.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const names = registry.names().map(({ name }) => name);

describe('everyday commands', () => {
  it.each(Object.keys(EVERYDAY))('%s is the command of that name in the table of all', async (name) => {
    const command = await everydayCommand(name);
    expect(command).toBeDefined();
    expect(command).toBe(registry.find([name])?.command);
  });

  it.each(Object.keys(EVERYDAY))('no longer path begins with %s', (name) => {
    expect(names.filter((other) => other.startsWith(`${name} `))).toEqual([]);
  });

  it('knows every synonym of what it has', async () => {
    for (const name of Object.keys(EVERYDAY)) {
      const command = await everydayCommand(name);
      const also = registry.names().filter((entry) => entry.command === command);
      for (const { name: other } of also) expect(EVERYDAY, other).toHaveProperty(other);
    }
  });

  it('is found after options that every command takes', () => {
    expect(commandWord(['--config', 'put', '--json', '-y', 'status', '--x'])).toBe('status');
    expect(commandWord(['--json=name,size', 'list'])).toBe('list');
    expect(commandWord(['list', '--json'])).toBe('list');
    for (const argv of [[], ['--json'], ['--config'], ['--nonsense', 'list'], ['--timeout', 'soon', 'list']])
      expect(commandWord(argv), argv.join(' ')).toBeUndefined();
  });

  it('has nothing for other words', async () => {
    for (const word of [undefined, '', '--json', 'lisst', 'toString', '__proto__'])
      expect(await everydayCommand(word)).toBeUndefined();
  });
});
