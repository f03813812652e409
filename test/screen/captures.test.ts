/** The captures in docs/CONSOLE.md are the golden files of the screen tests; GOLDEN_WRITE=1 puts them there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENT = resolve(ROOT, 'docs/CONSOLE.md');
const SNAPSHOTS = resolve(ROOT, 'test/wizard/__snapshots__/ui.test.tsx.snap');
const CAPTURE = /<!-- capture ([\w -]+) -->\n[\s\S]*?<!-- end -->/g;

function captureOf(name: string): string {
  const [kind, screen] = name.split(' ');
  if (kind !== 'wizard')
    return readFileSync(resolve(ROOT, `test/golden/screen/${name}.txt`), 'utf8').trimEnd();
  const all = readFileSync(SNAPSHOTS, 'utf8');
  const title = `exports[\`the frames at 80 columns > ${screen} fits and is as it was 1\`] = \``;
  const from = all.indexOf(title);
  if (from < 0) throw new Error(`there is no frame of the wizard's screen ${screen}`);
  const text = all.slice(from + title.length, all.indexOf('`;\n', from));
  return text.trim().replace(/^"|"$/g, '').replaceAll('\\`', '`').replaceAll('\\\\', '\\').trimEnd();
}

it('docs/CONSOLE.md shows the screens as the tests have them', () => {
  const written = readFileSync(DOCUMENT, 'utf8');
  let count = 0;
  const made = written.replace(CAPTURE, (_, name: string) => {
    count++;
    return `<!-- capture ${name} -->\n\`\`\`text\n${captureOf(name)}\n\`\`\`\n<!-- end -->`;
  });
  expect(count).toBe(6);
  if (process.env.GOLDEN_WRITE === '1') writeFileSync(DOCUMENT, made);
  else expect(written).toBe(made);
});

it('docs/CONSOLE.md names files that exist, and numbers that tests carry', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const rows = [...text.matchAll(/^\| ([\d–, ]+) \|.*\|(.*)\|$/gm)];
  const numbers = new Set<number>();
  for (const [, ranges = '', places = ''] of rows) {
    const files = [...places.matchAll(/`(test\/[^`]+)`/g)].flatMap(([, path = '']) => expanded(path));
    const sources = files.map((file) => {
      const known = ['.test.ts', '.test.tsx'].map((end) => resolve(ROOT, file + end));
      return known.map(read).join('');
    });
    for (const source of sources) expect(source, places).not.toBe('');
    for (const number of ranges.split(',').flatMap(numbersOf)) {
      numbers.add(number);
      expect(
        sources.some((source) => new RegExp(`D\\.9-${number}\\b`).test(source)),
        `D.9-${number}`,
      ).toBe(true);
    }
  }
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 35 }, (_, at) => at + 1));
});

function expanded(path: string): string[] {
  const [, head = path, names, tail = ''] = /^(.*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return names === undefined ? [path] : names.split(',').map((name) => head + name + tail);
}

function numbersOf(range: string): number[] {
  const [first = 0, last = first] = range.split('–').map(Number);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
