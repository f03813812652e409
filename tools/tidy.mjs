/** House rules that no ready-made linter knows (tools/tidy/): prints what breaks them and exits with 1. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { tidy } from './tidy/rules.mjs';

/** Beyond this a file is data, not text that somebody wrote. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;

export function projectFiles(root) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const files = new Map();
  for (const path of new Set(list.split('\0'))) {
    if (path === '') continue;
    const stat = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > MAX_FILE_BYTES) continue;
    const bytes = readFileSync(`${root}/${path}`);
    if (!bytes.includes(0)) files.set(path, bytes.toString('utf8'));
  }
  return files;
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  const root = new URL('..', import.meta.url).pathname;
  const files = projectFiles(root);
  const findings = tidy(files);
  const errors = findings.filter((it) => it.level === 'error');
  for (const it of findings) {
    console.log(`${it.file}:${it.line}: ${it.level} [${it.rule}] ${it.text}`);
  }
  console.log(
    `tidy: ${files.size} files, ${errors.length} errors, ${findings.length - errors.length} warnings`,
  );
  process.exitCode = errors.length > 0 ? 1 : 0;
}
