/** keys.json: read whatever stands in it, and what cannot be is one line that says why. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { helpRows } from '../../src/console/help-rows.ts';
import { keysFromText, keysPath, MAX_KEYS_FILE_BYTES, readKeysFile } from '../../src/console/keys-file.ts';
import { rowText } from '../../src/panels/cells.ts';
import { themeFrom } from '../../src/panels/theme.ts';
import { ACTION_NAMES, BUILT_IN_KEYS } from '../../src/repl/key-bindings.ts';
import { KEY_ACTIONS } from '../../src/repl/key-table.ts';
import { generatedFiles } from '../../tools/docs/files.mjs';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-keys-'));
  file = join(folder, 'keys.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('keys.json', () => {
  it('lies beside the configuration, and need not', async () => {
    expect(keysPath(join(folder, 'config.json'))).toBe(file);
    expect(await readKeysFile(file)).toEqual({ keys: BUILT_IN_KEYS, problems: [] });
  });

  it('binds a key or a list of keys', async () => {
    writeFileSync(file, '\ufeff{"pause": "Ctrl-O", "select-next": ["d", "Down"]}');
    const { keys, problems } = await readKeysFile(file);
    expect(problems).toEqual([]);
    expect([keys.keysOf('pause'), keys.keysOf('select-next')]).toEqual([['Ctrl-O'], ['d', 'Down']]);
  });

  it.each([
    ['{"pauze": "Ctrl-O"}', 'there is no action "pauze"; did you mean pause?'],
    ['{"qwertz": "Ctrl-O"}', 'there is no action "qwertz"; F1 shows their names'],
    [
      '{"pause": "Ctrl-S"}',
      'pause stays on Ctrl-G: "Ctrl-S": terminals keep it for flow control; choose another key',
    ],
    [
      '{"pause": "Ctrl-T"}',
      'pause stays on Ctrl-G: Ctrl-T is the key of transpose-chars; give transpose-chars',
    ],
    ['{"pause": 7}', 'pause needs a key or a list of keys'],
    ['{"pause": [["Ctrl-O"]]}', 'pause needs a key or a list of keys'],
    ['{"pause": "\\u001b[31m"}', 'pause stays on Ctrl-G'],
    [
      '{"pause": "Ctrl-O"',
      'not used: it is not JSON (line 1, column 19: expected "," or "}", found the end of the file)',
    ],
    ['["pause"]', 'not used: it is no JSON object'],
    ['', 'not used: it is not JSON'],
  ])('%s is told in one line, and the keys stay', async (text, said) => {
    writeFileSync(file, text);
    const { keys, problems } = await readKeysFile(file);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^keys\.json/);
    expect(problems[0]).toContain(said);
    expect(problems[0]).not.toMatch(/\p{Cc}/u);
    expect(ACTION_NAMES.map((name) => keys.keysOf(name))).toEqual(
      ACTION_NAMES.map((name) => BUILT_IN_KEYS.keysOf(name)),
    );
  });

  it('is bounded, in size and in what is said of it', async () => {
    writeFileSync(file, `{"pause": "${'x'.repeat(MAX_KEYS_FILE_BYTES)}"}`);
    expect((await readKeysFile(file)).problems).toEqual([
      'keys.json is not used: it has more than 64 KiB; make it smaller',
    ]);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'z'.repeat(60)}${at}`, 'x']));
    const { problems } = keysFromText(JSON.stringify(many));
    expect(problems).toHaveLength(13);
    expect(problems.at(-1)).toBe('keys.json: 488 problems more');
    expect(Math.max(...problems.map((line) => line.length))).toBeLessThan(200);
  });

  it('may be something else than a file: nobody waits for it', async () => {
    mkdirSync(file);
    expect((await readKeysFile(file)).problems).toEqual([expect.stringContaining('keys.json is not used')]);
    rmSync(file, { recursive: true });
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect((await readKeysFile(file)).problems).toEqual([expect.stringContaining('is no file')]);
  });

  it('never throws', () => {
    const names = fc.oneof(fc.constantFrom(...ACTION_NAMES), fc.string());
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.dictionary(names, fc.anything()).map((value) => {
        try {
          return JSON.stringify(value) ?? '';
        } catch {
          return '';
        }
      }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        for (const line of keysFromText(text).problems) expect(line).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 150 },
    );
  });

  it('as docs/KEYS.md shows it has nothing wrong with it', () => {
    const example = /```json\n([\s\S]*?)```/.exec(generatedFiles().get('docs/KEYS.md') ?? '')?.[1] ?? '';
    const { keys, problems } = keysFromText(example);
    expect(problems).toEqual([]);
    expect(keys.keysOf('undo')).toEqual(['Ctrl-_', 'Ctrl-X u']);
  });
});

describe('the help', () => {
  const theme = themeFrom({ LANG: 'C.UTF-8' });
  const text = (query: string, own = '{}') =>
    helpRows(query, 100, keysFromText(own).keys, theme).map((row) => rowText(row).trimEnd());

  it('shows every action by its name', () => {
    const rows = text('');
    for (const name of ACTION_NAMES)
      expect(
        rows.some((row) => row.includes(` ${name} `)),
        name,
      ).toBe(true);
  });

  it('shows all of every text within every width, in two columns as well', () => {
    for (const width of [56, 76, 116, 196]) {
      const rows = helpRows('', width, BUILT_IN_KEYS, theme).map(rowText);
      expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(width);
      const words = rows.join(' ').split(/\s+/);
      // In the narrowest one the longest words are broken.
      for (const { text } of width < 60 ? [] : KEY_ACTIONS)
        expect(words).toEqual(expect.arrayContaining(text.split(' ')));
    }
  });

  it('shows the keys that are bound, and is searched by key, name and words', () => {
    const own = '{"pause": "Ctrl-O", "suspend": []}';
    expect(text('pause', own)).toEqual([
      'Anywhere',
      expect.stringMatching(/^ {2}Ctrl-O +pause +pause or resume/),
    ]);
    expect(text('ctrl-o', own)).toHaveLength(2);
    expect(text('suspend', own)[1]).toMatch(/^ {2}no key +suspend/);
  });
});
