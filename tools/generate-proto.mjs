/**
 * `node tools/generate-proto.mjs`: TypeScript from every .proto of the tree, into the `generated` folder beside it.
 * protons writes namespaces and the types of an older runtime; the code here makes modules of them that type stripping accepts.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const protons = join(root, 'node_modules/protons/dist/bin/protons.js');

for (const proto of globSync('src/**/*.proto', { cwd: root })) {
  const folder = join(dirname(proto), 'generated');
  execFileSync(process.execPath, [protons, '--strict', proto, '--output', folder], {
    cwd: root,
    stdio: 'inherit',
  });
  const file = join(root, folder, `${basename(proto, '.proto')}.ts`);
  writeFileSync(file, erasable(readFileSync(file, 'utf8'), proto));
  console.log(`${proto} -> ${folder}`);
}

/** Namespaces become constants, events of the streaming reader (not used) go, the runtime's types get their second parameter. */
function erasable(source, proto) {
  const body = source
    .replace(/^import .*\n/gm, '')
    .replace(/^ {2}export interface \w+ \{\n(?: {4}.*\n)*? {2}\}\n\n/gm, '')
    .replace(/\n {2}export function stream [^\n]*\n {4}return [^\n]*\n {2}\}\n/g, '')
    .replace(/^export namespace (\w+) \{\n([\s\S]*?)^\}\n/gm, (_, name, inner) => {
      const members = inner.replace(/^ {2}export (const|function) /gm, '  $1 ');
      return `export const ${name} = (() => {\n${members}\n  return { codec, encode, decode }\n})()\n`;
    })
    .replace(/\bCodec<(\w+)>/g, 'Codec<$1, any>')
    .replace(/\bmessage<(\w+)>/g, 'message<$1, any>')
    .replace(/uint8ArrayAlloc\(0\)/g, 'new Uint8Array(0)');
  return [
    `// Generated from ${basename(proto)} by tools/generate-proto.mjs; do not edit.`,
    '// @ts-nocheck: the generator knows no strict mode. What it exports is typed.',
    "import { decodeMessage, encodeMessage, MaxLengthError, message } from 'protons-runtime'",
    "import type { Codec, DecodeOptions } from 'protons-runtime'",
    "import type { Uint8ArrayList } from 'uint8arraylist'",
    '',
    body.trimStart(),
  ].join('\n');
}
