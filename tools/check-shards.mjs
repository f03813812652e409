/**
 * An independent checker: counts living shards from the files on disks alone, and says what `datamesh health` should say. It shares no code with datamesh;
 * it knows docs/FORMATS.md.
 *
 *   node tools/check-shards.mjs --objects FILE [--compare FILE] FOLDER …
 *
 * FOLDER: data folders of nodes (those that are up), and folders of their pools. --objects: JSON lines with `objectId`, as `datamesh list --json`
 * and `datamesh prove` write them ("-": standard input); manifests are taken from the disks, where no copy is left from what custodians keep, and where nobody has it `code` and `stripes` of the line tell what is missing. --compare: what `datamesh health --json` printed. One line of JSON is
 * printed; the exit status is 0, or 1 when a figure differs, or 2 for a mistake in the call.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { countObjects } from './check-shards/count.mjs';
import { readCustody } from './check-shards/custody.mjs';
import { isFolderBackend, readFolder } from './check-shards/folders.mjs';
import { readManifest } from './check-shards/manifest.mjs';
import { readSegments } from './check-shards/segments.mjs';

function options(argv) {
  const found = { folders: [], objects: undefined, compare: undefined };
  const rest = [...argv];
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === '--objects' || word === '--compare') found[word.slice(2)] = rest.shift();
    else if (word.startsWith('-')) return undefined;
    else found.folders.push(word);
  }
  return found.objects === undefined || found.folders.length === 0 ? undefined : found;
}

function linesOf(path) {
  return readFileSync(path === '-' ? 0 : path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

function main(argv) {
  const given = options(argv);
  if (given === undefined) {
    console.error(`usage: node ${basename(import.meta.filename)} --objects FILE [--compare FILE] FOLDER …`);
    return 2;
  }
  const names = new Map();
  for (const object of linesOf(given.objects)) {
    if (typeof object.objectId === 'string' && !names.has(object.objectId))
      names.set(object.objectId, object);
  }
  const holders = new Map();
  const layouts = new Map();
  const disks = given.folders.map((folder) => {
    const onShard = (id, bytes) => {
      const places = holders.get(id) ?? new Set();
      holders.set(id, places.add(folder));
      if (names.has(id) && !layouts.has(id)) layouts.set(id, readManifest(bytes));
    };
    const read = isFolderBackend(folder) ? readFolder : readSegments;
    return { folder, ...read(folder, onShard) };
  });
  const kept = new Map();
  for (const folder of given.folders) {
    const missing = [...names.keys()].filter((id) => !layouts.has(id) && !kept.has(id));
    for (const [id, bytes] of readCustody(folder, missing)) kept.set(id, readManifest(bytes));
  }
  const objects = [...names.values()].map((object) => ({
    ...object,
    layout: layouts.get(object.objectId) ?? kept.get(object.objectId),
    isOnlyKept: kept.has(object.objectId),
  }));
  const { total, each } = countObjects(objects, holders);
  const differs = [];
  if (given.compare !== undefined) {
    const told = linesOf(given.compare)[0] ?? {};
    for (const [figure, here] of Object.entries(total)) {
      if (told[figure] !== here) differs.push({ figure, here, told: told[figure] ?? null });
    }
  }
  console.log(JSON.stringify({ ...total, differs, each: each.filter(({ state }) => state !== 'ok'), disks }));
  return differs.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
