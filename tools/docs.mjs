/** `npm run docs`: writes what is made from the command table and the key map; `--check` only says what differs, and exits with 1. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './docs/files.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const files = generatedFiles();
const stale = ['docs/schemas', 'man']
  .flatMap((folder) => names(join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((path) => !files.has(path));
let differing = 0;

for (const path of stale) {
  differing++;
  if (check) console.log(`${path}: belongs to no command any more`);
  else rmSync(join(root, path));
}
for (const [path, text] of files) {
  const file = join(root, path);
  if (current(file) === text) continue;
  differing++;
  if (check) console.log(`${path}: differs from the command table`);
  else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
if (check && differing > 0) {
  console.log('run: npm run docs');
  process.exitCode = 1;
} else if (!check) console.log(`${files.size} files, ${differing} changed`);

function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function current(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
