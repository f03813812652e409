/** A data folder that a later release has written: each of its parts is refused, by name, with what to do, and nothing in it is touched. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { realNode, SLOW_MS } from '../support/real-node.ts';

const node = realNode();

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, 'latin1');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after, 'latin1');
}

function sql(path: string, statement: string): void {
  const db = new DatabaseSync(path);
  db.exec(statement);
  db.close();
}

/** What holds data: an index and logs of databases may be opened and closed. */
function held(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(node.data, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^shards\/(?:FORMAT|\d+\.seg)$|^(?:catalog|custody)\.sqlite$/.test(name))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(node.data, name)))
          .digest('hex'),
      ]),
  );
}

const PARTS: readonly (readonly [name: string, raise: () => void])[] = [
  [
    'the shard store',
    () => edit(join(node.data, 'shards/FORMAT'), (text) => text.replace(/"format":\d+/, '"format":99')),
  ],
  ['the catalog', () => sql(join(node.data, 'catalog.sqlite'), 'INSERT INTO migrations VALUES (99, 0)')],
  ['what is kept in custody', () => sql(join(node.data, 'custody.sqlite'), 'PRAGMA user_version = 99')],
  [
    'the keyring',
    () => edit(join(node.data, 'keyring.json'), (text) => text.replace(/"version": \d+/, '"version": 99')),
  ],
  ['the device key', () => edit(join(node.data, 'device.key'), (text) => `DMDK\x63${text.slice(5)}`)],
  ['the configuration', () => edit(node.config, (text) => text.replace(/"version": ?\d+/, '"version":99'))],
];

describe('a newer release wrote', { timeout: SLOW_MS }, () => {
  it.each(PARTS)('%s: exit 4, one line, nothing changed', async (_name, raise) => {
    raise();
    const before = held();
    expect(Object.keys(before).length).toBeGreaterThan(3);
    await node.refuses(['list'], 4, 'DM-4007', [
      /newer|format 99|version 99/,
      /newer datamesh|that (?:newer )?version|newer one/,
    ]);
    expect(held()).toEqual(before);
  });
});
