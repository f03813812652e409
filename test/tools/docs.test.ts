import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../../tools/docs/files.mjs';
import { realRegistry } from '../support/registry.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = generatedFiles();

describe('what is made from the command table (D.9-51)', () => {
  it('is as it was made: `npm run docs` writes it anew', () => {
    const differing = [...files].filter(
      ([path, text]) => !existsSync(root + path) || readFileSync(root + path, 'utf8') !== text,
    );
    expect(differing.map(([path]) => path)).toEqual([]);
  });

  it('has nothing of commands that are gone', () => {
    const present = ['docs/schemas', 'man'].flatMap((folder) =>
      readdirSync(root + folder).map((name) => `${folder}/${name}`),
    );
    expect(present.filter((path) => !files.has(path))).toEqual([]);
  });

  it('names every listed command, each of its options and examples', () => {
    const manual = files.get('docs/CLI.md')!;
    for (const { path, options, examples, hidden } of realRegistry().commands) {
      if (hidden) continue;
      expect(manual).toContain(`### ${path.join(' ')}\n`);
      const page = files.get(`man/datamesh-${path.join('-')}.1`)!;
      for (const { name } of options) {
        expect(manual).toContain(`--${name}`);
        expect(page).toContain(`--${name}`.replaceAll('-', '\\-'));
      }
      for (const { line } of examples) expect(manual).toContain(line);
    }
  });
});
