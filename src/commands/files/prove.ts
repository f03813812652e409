import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { ProofCheck } from '../../engine/views/proofs.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context } from '../command.ts';
import { formatTime, many, shortId } from '../format/units.ts';
import { destinationPath, openDestination } from './destination.ts';
import { PROVE_FIELDS } from './fields.ts';
import { unreadable } from './source-file.ts';

export const proveCommand: Command = {
  path: ['prove'],
  group: 'files',
  summary: 'Write a proof of where an object’s shards are, or check one',
  description: `Makes every holder prove its shards of the object and writes what they signed into a file, with the object's manifest: a census that anybody
    can check with --check, without a node, a network or a key. The file has neither the object's content nor its name in the clear.

    It proves: who owns the object; that the holders named could read these shards whole when they answered. It does not prove: that the
    random numbers were new to them (who makes the file chooses them), that they keep the shards rather than fetch them when asked, that they have
    them still, or whose machines they are.`,
  args: [
    {
      name: 'object',
      type: { kind: 'object' },
      summary: 'Name, or id or the first digits of one',
      required: false,
    },
  ],
  options: [
    {
      name: 'out',
      short: 'o',
      type: { kind: 'path' },
      summary: 'File or folder to write, in place of NAME.proof',
    },
    { name: 'check', type: { kind: 'path' }, summary: 'Check this file, and make none' },
    { name: 'force', short: 'f', summary: 'Replace a file that exists' },
  ],
  examples: [
    { line: 'datamesh prove holiday.mp4', note: 'into holiday.mp4.proof' },
    { line: 'datamesh prove --check holiday.mp4.proof', note: 'what it proves; works on any machine' },
    { line: 'datamesh prove backup.tar --out /tmp/backup.proof --force --json', note: 'for a script' },
  ],
  effects: 'reads',
  fields: PROVE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'objectId', title: 'Object' },
    { key: 'ownerId', title: 'Owner' },
    { key: 'state', title: 'State' },
    { key: 'spare', title: 'Spare' },
    { key: 'code', title: 'Code' },
    { key: 'stripeCount', title: 'Stripes' },
    { key: 'shardsProved', title: 'Shards proved' },
    { key: 'shardsExpected', title: 'Shards expected' },
    { key: 'holderCount', title: 'Holders' },
    { key: 'firstSignedAtMs', title: 'Signed from', format: 'time' },
    { key: 'lastSignedAtMs', title: 'Signed to', format: 'time' },
    { key: 'file', title: 'File' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'it is genuine, and shows that shards are missing' },
    {
      code: EXIT.integrity,
      meaning: 'the file is damaged or was changed, or it shows that the object is lost',
    },
    { code: EXIT.notFound, meaning: 'there is no such object, or no such file' },
    { code: EXIT.conflict, meaning: 'the file exists (give --force)' },
  ],
  async run(context, values) {
    const ref = values.object as string | undefined;
    const check = values.check as string | undefined;
    if ((ref === undefined) === (check === undefined)) {
      throw new DatameshError(ref === undefined ? 'missing-argument' : 'bad-value', {
        what: ref === undefined ? 'nothing to prove was named' : '--check takes a file and no object',
        mend: 'datamesh prove NAME, or datamesh prove --check FILE',
      });
    }
    if (check !== undefined) return await show(context, resolve(context.cwd, check));
    return await write(context, ref!, values.out as string | undefined, values.force === true);
  },
};

async function write(context: Context, ref: string, given: string | undefined, force: boolean) {
  const { out, options, signal, cwd } = context;
  const engine = await context.engine();
  const stop = new AbortController();
  try {
    const { object, body } = await engine.prove(ref, {
      signal: AbortSignal.any([signal, stop.signal]),
      onProgress: (progress) => out.progress(`prove ${ref}`, progress),
    });
    const path = await destinationPath(`${object.name}.proof`, given, cwd, force);
    if (options.dryRun) {
      out.record({ dryRun: true, objectId: object.objectId, file: path });
      out.note('nothing was written (--dry-run)');
      return undefined;
    }
    const destination = await openDestination(path, force, undefined, signal);
    try {
      for await (const chunk of body) await destination.write(chunk);
      await destination.commit();
    } finally {
      await destination.discard();
    }
    return await show(context, path);
  } finally {
    stop.abort();
  }
}

/** What the file proves, as anybody reads it: also of one that was just written. */
async function show({ out }: Context, path: string): Promise<number | undefined> {
  const { checkProof } = await import('../../engine/maintenance/proof/document.ts');
  const found = await checkProof(bytesOf(path));
  out.record({
    ...found,
    code: `${found.code.k}+${found.code.m}`,
    firstSignedAtMs: found.firstSignedAtMs ?? null,
    lastSignedAtMs: found.lastSignedAtMs ?? null,
    holderCount: found.holders.length,
    file: path,
  });
  for (const line of explain(found)) out.note(line);
  if (found.state === 'lost') return EXIT.integrity;
  return found.state === 'ok' ? undefined : EXIT.partial;
}

function explain(found: ProofCheck): string[] {
  const { shardsProved, shardsExpected, firstSignedAtMs, lastSignedAtMs, holders } = found;
  const when =
    firstSignedAtMs === undefined || lastSignedAtMs === undefined
      ? 'nothing'
      : `that ${many(holders.length, 'holder')} could read ${shardsProved} of ${shardsExpected} shards whole, from ${formatTime(firstSignedAtMs)} to ${formatTime(lastSignedAtMs)} by their own clocks`;
  const strange = holders.filter(({ noted }) => !noted).length;
  return [
    `proved: the owner ${shortId(found.ownerId)} signed this manifest; ${when}`,
    ...(strange > 0 ? [`not among those that the manifest names: ${many(strange, 'holder')}`] : []),
    'not proved: that the questions were new to the holders, that they keep the shards themselves and have them still, whose machines they are',
  ];
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path)) yield piece as Uint8Array;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    if (code !== 'EISDIR') throw unreadable(path, cause as NodeJS.ErrnoException);
    throw new DatameshError('is-a-directory', {
      what: `${path} is a directory`,
      mend: 'name the file that `datamesh prove` wrote',
      cause,
    });
  }
}
