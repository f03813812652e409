/** A folder as one file of some KiB: JSON of path → mode and content in base64, gzipped. For golden data folders. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

type Archive = Record<string, { mode: number; content: string }>;

/** @param leaveOut names of files that are of one run alone, such as locks */
export function packFolder(folder: string, leaveOut: RegExp): Buffer {
  const archive: Archive = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (!entry.isFile() || leaveOut.test(name)) continue;
    archive[name] = { mode: statSync(path).mode & 0o777, content: readFileSync(path).toString('base64') };
  }
  return gzipSync(JSON.stringify(archive), { level: 9 });
}

export function unpackFolder(bytes: Uint8Array, folder: string): void {
  const archive = JSON.parse(gunzipSync(bytes).toString('utf8')) as Archive;
  for (const [name, { mode, content }] of Object.entries(archive)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, Buffer.from(content, 'base64'), { mode });
  }
}
