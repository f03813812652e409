/** A catalog whose file has changed under it: SQLite keeps no checksums, so what its own checks find is all there is. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { examineSqlite } from '../../../src/engine/effects/sqlite-file.ts';
import { ALICE, entry, idOf } from './entries.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'dm-damaged-'));
  path = join(folder, 'catalog.sqlite');
  const catalog = openCatalog(path, realClock());
  for (let i = 0; i < 50; i++) catalog.commit(entry(`name ${i}`, { objectId: idOf(`${i}`) }));
  catalog.close();
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function isWhole(): boolean {
  try {
    examineSqlite(path, Number.POSITIVE_INFINITY, () => {});
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'malformed-data' });
    return false;
  }
}

/** Every place of a text in the file, changed in turn. */
function* changed(text: string): Generator<void> {
  const whole = fs.readFileSync(path);
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1;
    fs.writeFileSync(path, bytes);
    yield;
  }
  fs.writeFileSync(path, whole);
}

describe('a damaged catalog', () => {
  it('is told from a whole one, also where its answers are only wrong', () => {
    expect(isWhole()).toBe(true);
    let wrong = 0;
    let places = 0;
    for (const _ of changed(idOf('7'))) {
      places++;
      const catalog = openCatalog(path, realClock());
      // Nobody says so: what counts the names of an object goes by the index.
      const isWrong = catalog.references(idOf('7')) === 0;
      catalog.close();
      if (!isWrong) continue;
      wrong++;
      expect(isWhole()).toBe(false);
    }
    expect(places).toBeGreaterThanOrEqual(2);
    expect(wrong).toBeGreaterThanOrEqual(1);
    expect(isWhole()).toBe(true);
  });

  it('is told while a node has it open, and when it is no database at all', () => {
    const catalog = openCatalog(path, realClock());
    catalog.commit(entry('one more'));
    expect(isWhole()).toBe(true);
    catalog.close();
    fs.writeFileSync(path, 'nothing of the kind');
    expect(isWhole()).toBe(false);
  });

  it('is named where a value cannot be read any more, with what brings it back', () => {
    const damaged = expect.objectContaining({
      code: 'malformed-data',
      mend: expect.stringContaining('datamesh doctor'),
    });
    let met = 0;
    for (const _ of changed('["')) {
      const catalog = openCatalog(path, realClock());
      for (const read of [
        () => catalog.list(ALICE, { limit: 100 }),
        () => [...catalog.current(ALICE)],
        () => catalog.history(ALICE, 'name 3', undefined, 10),
      ]) {
        try {
          read();
        } catch (error) {
          met++;
          expect(error).toEqual(damaged);
        }
      }
      catalog.close();
    }
    expect(met).toBeGreaterThan(10);
  });

  it('that the disk does not give is no defect of datamesh', () => {
    fs.rmSync(path);
    fs.mkdirSync(path);
    const read = () => examineSqlite(path, Number.POSITIVE_INFINITY, (db) => db.exec('SELECT * FROM owners'));
    expect(read).toThrow(
      expect.objectContaining({ code: 'failed', mend: expect.stringContaining('device') }),
    );
  });
});
