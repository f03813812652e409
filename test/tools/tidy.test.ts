import { describe, expect, it } from 'vitest';
import { tidy } from '../../tools/tidy/rules.mjs';
import { codeOnly, importsOf } from '../../tools/tidy/scan.mjs';

/** Rules broken by these files, without repeats. */
function broken(
  files: Record<string, string>,
  exceptions: { path: string; effects: string[]; reason: string }[] = [],
) {
  const found = tidy(new Map(Object.entries(files)), { exceptions });
  return [...new Set(found.filter((it) => it.level === 'error').map((it) => it.rule))];
}

describe('reading source', () => {
  it('hides comments, strings, templates and regular expressions, and keeps the lines', () => {
    const text = [
      "const a = 'Date.now()'; // Date.now()",
      'const b = `x ${Date.now()} Date.now()`; /* Date.now()',
      ' Date.now() */ const c = /Date\\.now[/()]/;',
      'const d = 4 / 2; const e = x / Date.now();',
    ].join('\n');
    const code = codeOnly(text);
    expect(code.length).toBe(text.length);
    expect(code.split('\n').map((line) => line.match(/Date\.now/g)?.length ?? 0)).toEqual([0, 1, 0, 1]);
  });

  it('tells static, type and dynamic imports apart', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      "import { type C } from './c.ts';",
      "import { type D, d } from './d.ts';",
      "import './e.ts';",
      "export { f } from './f.ts';",
      'import {',
      '  g,',
      "} from './g.ts';",
      "const h = await import('./h.ts');",
      "export const i = 'from';",
      "// import './j.ts';",
    ].join('\n');
    expect(importsOf(text).map((it) => [it.specifier, it.kind])).toEqual([
      ['./a.ts', 'static'],
      ['./b.ts', 'type'],
      ['./c.ts', 'type'],
      ['./d.ts', 'static'],
      ['./e.ts', 'static'],
      ['./f.ts', 'static'],
      ['./g.ts', 'static'],
      ['./h.ts', 'dynamic'],
    ]);
  });
});

describe('planted violations are found', () => {
  it.each<[string, string, string, string]>([
    [
      'engine imports commands',
      'src/engine/x.ts',
      "import { a } from '../commands/command.ts';",
      'direction',
    ],
    [
      'engine imports config, types only',
      'src/engine/x.ts',
      "import type { A } from '../config/schema.ts';",
      'direction',
    ],
    ['commands import cli', 'src/commands/x.ts', "import { a } from '../cli/main.ts';", 'direction'],
    [
      'commands load the console',
      'src/commands/files/x.ts',
      "await import('../../console/app.tsx');",
      'direction',
    ],
    [
      'lang imports values of commands',
      'src/lang/x.ts',
      "import { a } from '../commands/command.ts';",
      'direction',
    ],
    ['codec imports the mesh', 'src/engine/codec/x.ts', "import { a } from '../mesh/node.ts';", 'direction'],
    ['an unplanned folder', 'src/misc/x.ts', 'export const a = 1;', 'direction'],
    ['an import without extension', 'src/cli/x.ts', "import { a } from './y';", 'extension'],
    ['ink in a command', 'src/commands/x.ts', "await import('ink');", 'ui'],
    ['react in a panel model', 'src/panels/x.ts', "import { memo } from 'react';", 'ui'],
    ['fastify in a command', 'src/commands/x.ts', "import fastify from 'fastify';", 'light'],
    ['node:fs in the engine', 'src/engine/mesh/x.ts', "import { open } from 'node:fs/promises';", 'effects'],
    ['node:net loaded late', 'src/engine/mesh/x.ts', "await import('node:net');", 'effects'],
    ['a timer', 'src/engine/mesh/x.ts', 'setTimeout(() => {}, 5);', 'effects'],
    ['the date', 'src/engine/mesh/x.ts', 'const now = new Date();', 'effects'],
    ['Date.now', 'src/engine/mesh/x.ts', 'const now = `${Date.now()}`;', 'effects'],
    ['performance', 'src/engine/mesh/x.ts', 'performance.now();', 'effects'],
    ['Math.random', 'src/engine/mesh/x.ts', 'Math.random();', 'effects'],
    ['random bytes', 'src/engine/keys/x.ts', "import { randomBytes } from 'node:crypto';", 'effects'],
    ['a default export', 'src/cli/x.ts', 'export default 1;', 'default-export'],
    ['a recursive mkdir', 'src/cli/x.ts', 'await mkdir(path, { recursive: true });', 'mkdir'],
    ['a file of 401 lines', 'src/cli/x.ts', 'a();\n'.repeat(401), 'length'],
    ['unfinished work', 'docs/X.md', `${'TO'}DO: write`, 'unfinished'],
    ['a path of this machine', 'README.md', `see ${'/wo'}rk/main`, 'workplace'],
    ['a registry address', 'package-lock.json', '{"resolved": "https://example.org/a.tgz"}', 'lockfile'],
  ])('%s', (_name, path, text, rule) => {
    expect(broken({ [path]: text })).toEqual([rule]);
  });

  it('a heavy package behind two light files', () => {
    const files = {
      'src/commands/x.ts': "import { a } from '../engine/a.ts';",
      'src/engine/a.ts': "export { b as a } from './b.ts';",
      'src/engine/b.ts': "import { open } from 'lmdb';\nexport const b = open;",
    };
    const found = tidy(new Map(Object.entries(files)), { exceptions: [] });
    expect(found.map((it) => `${it.file} ${it.rule} ${it.text}`)).toEqual([
      'src/commands/x.ts light loads lmdb by way of src/engine/a.ts → src/engine/b.ts; use await import()',
    ]);
  });

  it('an exception that nothing uses', () => {
    const exceptions = [{ path: 'src/engine/x.ts', effects: ['node:fs'], reason: 'test' }];
    expect(broken({ 'src/engine/x.ts': "import 'node:fs';" }, exceptions)).toEqual([]);
    expect(broken({ 'src/engine/x.ts': 'export const a = 1;' }, exceptions)).toEqual(['effects']);
  });
});

describe('what is lawful passes', () => {
  it.each<[string, string, string]>([
    ['types from commands in lang', 'src/lang/x.ts', "import type { A } from '../commands/command.ts';"],
    [
      'a launcher loads the console',
      'src/commands/start/console.ts',
      "await import('../../console/app.tsx');",
    ],
    ['effects in effects', 'src/engine/effects/x.ts', "import 'node:fs';\nsetTimeout(f, Date.now());"],
    ['a given date written out', 'src/engine/mesh/x.ts', 'new Date(ms).toISOString();'],
    ['hashing in the engine', 'src/engine/mesh/x.ts', "import { createHash } from 'node:crypto';"],
    ['effects named in a comment', 'src/engine/mesh/x.ts', '// not Date.now(), and no setTimeout'],
    ['ink in a ui folder', 'src/wizard/ui/x.tsx', "import { Box } from 'ink';"],
    ['a file of 400 lines', 'src/cli/x.ts', 'a();\n'.repeat(400)],
    ['a path of somebody', 'README.md', 'cd ~/work/mesh; ls /home/me/work/x'],
  ])('%s', (_name, path, text) => {
    expect(broken({ [path]: text })).toEqual([]);
  });
});
