/** Commands that people read of where no generator wrote them: the alert rules, the containers, the README, how to upgrade. Each is one of the table. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from '../../src/lang/parser.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const MENTION = /(?:^|[\s`($;,:])datamesh ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)/gm;
/** "list", "show": behind a command that takes no argument these are meant as a part of its name. Other words may go on with a sentence. */
const SECOND = new Set(registry.commands.flatMap(({ path }) => path.slice(1)));

/** Where commands stand: of Markdown what stands as code. */
function written(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  if (!path.endsWith('.md')) return [text];
  const parts = text.split(/^```.*$/m);
  const fenced = parts.filter((_, i) => i % 2 === 1).flatMap((code) => code.split('\n'));
  const prose = parts.filter((_, i) => i % 2 === 0).join('\n');
  return [
    ...fenced.filter((line) => /^(?:\$ )?datamesh /.test(line)),
    ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!),
  ];
}

/** Whether the words begin with a command, and what follows is not meant as the rest of its name. */
function isCommand(words: string): boolean {
  const read = (text: string) => {
    const { commands, diagnostics } = parse(`${text} --help`, { registry, env: {}, variables: {} });
    return diagnostics.length === 0 ? commands[0]?.command : undefined;
  };
  const [first = '', second = ''] = words.split(' ');
  if (registry.commands.some(({ path }) => path.join(' ') === words)) return true;
  const alone = read(first);
  return alone !== undefined && (alone.args.length > 0 || !SECOND.has(second));
}

describe('commands in', () => {
  it.each(['ops/alerts.yml', 'ops/docker/compose.yaml', 'README.md', 'docs/UPGRADE.md'])(
    '%s are there',
    (path) => {
      const mentions = written(path).flatMap((text) =>
        [...text.matchAll(MENTION)].map(([, words]) => words!),
      );
      expect(mentions.length).toBeGreaterThan(0);
      expect(mentions.filter((words) => !isCommand(words))).toEqual([]);
    },
  );

  it('are told from what is none', () => {
    for (const words of ['pools list', 'nonsense', 'health list'])
      expect(isCommand(words), words).toBe(false);
    for (const words of ['pool list', 'pools', 'events for', 'config set', 'get file'])
      expect(isCommand(words), words).toBe(true);
  });
});
