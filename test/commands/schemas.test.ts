import { describe, expect, it } from 'vitest';
import { publishedSchemas } from '../../src/commands/format/schema.ts';
import { runLine, testHost } from '../support/host.ts';
import { realRegistry } from '../support/registry.ts';
import { schemaProblem } from '../support/schemas.ts';

const { commands } = realRegistry();

describe('every command with columns', () => {
  it('declares the type of each of them, and of nothing that it does not show', () => {
    const without = commands.filter(({ columns, fields }) => columns !== undefined && fields === undefined);
    expect(without.map(({ path }) => path.join(' '))).toEqual([]);
    for (const { path, columns, otherViews, fields } of commands) {
      const shapes = Array.isArray(fields) ? fields : [fields ?? {}];
      const known = new Set(
        shapes.flatMap((shape) => Object.keys(shape).map((name) => name.replace(/\?$/, ''))),
      );
      const shown = [...(columns ?? []), ...(otherViews ?? []).flatMap((view) => view.columns)];
      expect(
        shown.filter(({ key }) => !known.has(key)).map(({ key }) => key),
        path.join(' '),
      ).toEqual([]);
    }
  });
});

describe('help --schema (D.9-39)', () => {
  it.each([...publishedSchemas(commands).keys()])('prints that of %s', async (name) => {
    const host = testHost();
    const words = commands.find(({ path }) => path.join('-') === name)?.path ?? [name];
    expect(await runLine(host, 'help', ...words, '--schema')).toBe(0);
    const schema = JSON.parse(Buffer.concat(host.seen.bytes).toString());
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.title).toBeTypeOf('string');
  });

  it('refuses a command without records, and what is no command', async () => {
    const host = testHost();
    expect(await runLine(host, 'help', 'cat', '--schema')).toBe(2);
    expect(await runLine(host, 'help', 'nothing', '--schema')).toBe(2);
  });
});

describe('a schema', () => {
  it('finds what is missing, of another type, or not declared', () => {
    const whole = { name: 'main', ownerId: 'x', default: true, protected: false, createdAtMs: 1 };
    expect(schemaProblem('keys-default', whole)).toBeUndefined();
    expect(schemaProblem('keys-default', { ...whole, name: 1 })).toContain('/name must be string');
    expect(schemaProblem('keys-default', { ...whole, more: 1 })).toContain('more');
    const { ownerId: _, ...part } = whole;
    expect(schemaProblem('keys-default', part)).toContain('ownerId');
    expect(schemaProblem('keys-default', { ...part, dryRun: true })).toBeUndefined();
  });
});
