/** docs/CONFIG.md (test/tools/docs.test.ts holds the file) and the JSON Schema come from the table of fields, and agree with what the checks take. */
import Ajv from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { configDocument, configSchema } from '../../src/config/document.ts';
import { CONFIG_FIELDS, CONFIG_VERSION, defaultConfig, valueAt } from '../../src/config/fields.ts';
import { fileProblems } from '../../src/config/validate.ts';

const isValid = new Ajv.default({ strict: true }).compile(configSchema());
const whole = () =>
  structuredClone(defaultConfig({ name: 'attic', dataDir: '/srv' })) as unknown as Record<
    string,
    Record<string, unknown>
  >;

describe('the document', () => {
  it('names every field once', () => {
    for (const { key } of CONFIG_FIELDS) expect(configDocument().split(`| \`${key}\` |`)).toHaveLength(2);
  });
});

describe('the schema', () => {
  it('takes what is right', () => {
    expect(isValid(whole())).toBe(true);
    expect(isValid({ version: CONFIG_VERSION })).toBe(true);
  });

  it.each(CONFIG_FIELDS.map(({ key, kind }) => [key, kind] as const))(
    'refuses as the checks do: %s',
    (key) => {
      const [group, name] = key.split('.') as [string, string];
      for (const wrong of [null, { a: 1 }, -1, 'nonsense', 1.5, [1], true]) {
        const file = whole();
        file[group]![name] = wrong;
        // What has another kind, both refuse; what only its content makes wrong is the checks' own.
        const ofKind =
          typeof wrong === typeof valueAt(whole(), key) &&
          Array.isArray(wrong) === Array.isArray(valueAt(whole(), key));
        const problems = fileProblems(file);
        if (!isValid(file)) expect(problems, `${key} = ${JSON.stringify(wrong)}`).not.toEqual([]);
        if (!ofKind && problems.length > 0)
          expect(isValid(file), `${key} = ${JSON.stringify(wrong)}`).toBe(false);
      }
    },
  );

  it('refuses what no field is', () => {
    expect(isValid({ ...whole(), stray: 1 })).toBe(false);
    expect(isValid({ version: CONFIG_VERSION, node: { nmae: 'x' } })).toBe(false);
    expect(isValid({ version: CONFIG_VERSION + 1 })).toBe(false);
  });
});
