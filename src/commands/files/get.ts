import type { GetResult } from '../../engine/engine.ts';
import { EXIT } from '../../errors.ts';
import type { Command, OptionSpec } from '../command.ts';
import { destinationPath, openDestination } from './destination.ts';
import { GET_FIELDS } from './fields.ts';
import { objectRecord } from './object-record.ts';
import { streamToStdout } from './to-stdout.ts';

export const RANGE_OPTIONS: readonly OptionSpec[] = [
  { name: 'offset', type: { kind: 'size' }, summary: 'First byte to read, from 0' },
  { name: 'length', type: { kind: 'size' }, summary: 'Bytes to read; to the end when absent' },
  { name: 'version', type: { kind: 'integer', min: 1 }, summary: 'Version to read, in place of the newest' },
];

export const getCommand: Command = {
  path: ['get'],
  synonyms: [['download']],
  group: 'files',
  summary: 'Read an object into a file',
  description: `Every shard is verified. The file appears under its name only when all of it is there; a get that fails leaves
    nothing behind. Where FILE is a link, with --force the file that it points to is replaced. Without FILE it is written to the current folder under the last part of the object's name.`,
  args: [
    {
      name: 'object',
      type: { kind: 'object' },
      summary: 'Name, or id or the first digits (4 or more) of one',
      required: true,
    },
    {
      name: 'file',
      type: { kind: 'path', dash: true },
      summary: "File or folder to write; '-' is standard output",
      required: false,
    },
  ],
  options: [
    ...RANGE_OPTIONS,
    { name: 'force', short: 'f', summary: 'Replace a file that exists; write bytes to a terminal' },
  ],
  examples: [
    { line: 'datamesh get holiday.mp4', note: 'into the current folder' },
    {
      line: 'datamesh get 2026/report.pdf /tmp/report.pdf --force',
      note: 'to a place of your choice, replacing what is there',
    },
    { line: 'datamesh get photos.tar - | tar t', note: 'to a pipe' },
  ],
  effects: 'reads',
  fields: GET_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'file', title: 'File' },
    { key: 'bytes', title: 'Bytes', format: 'bytes' },
    { key: 'version', title: 'Version' },
    { key: 'objectId', title: 'Id' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
    { key: 'bytesPerSecond', title: 'Rate', format: 'rate' },
  ],
  exits: [
    {
      code: EXIT.integrity,
      meaning: 'fewer than k shards of a stripe are left, or data are not authentic; no file is written',
    },
    { code: EXIT.notFound, meaning: 'there is no such object' },
    { code: EXIT.conflict, meaning: 'the file exists (give --force)' },
    { code: EXIT.full, meaning: 'the disk is full; no file is left' },
  ],
  async run(context, values) {
    const { out, signal, options, cwd } = context;
    const ref = values.object as string;
    const given = values.file as string | undefined;
    const force = values.force === true;
    if (given === '-') return streamToStdout(context, [ref], values, force);

    const engine = await context.engine();
    const startedAtMs = performance.now();
    // Lets go of the body, also where it is not read at all.
    const stop = new AbortController();
    let path: string;
    let bytes = 0;
    let result: GetResult;
    try {
      result = await engine.get(
        ref,
        {
          version: values.version as number | undefined,
          offset: values.offset as number | undefined,
          length: values.length as number | undefined,
        },
        {
          signal: AbortSignal.any([signal, stop.signal]),
          onProgress: (progress) => out.progress(`get ${ref}`, progress),
        },
      );
      path = await destinationPath(result.object.name, given, cwd, force);
      if (options.dryRun) {
        out.record({ dryRun: true, ...objectRecord(result.object), file: path });
        out.note('nothing was written (--dry-run)');
        return undefined;
      }
      bytes = await writeVerified(result.body, path, force, signal);
    } finally {
      stop.abort();
    }
    const durationMs = Math.round(performance.now() - startedAtMs);
    out.record({
      ...objectRecord(result.object),
      file: path,
      offset: result.offset,
      bytes,
      durationMs,
      ...(durationMs > 0 ? { bytesPerSecond: Math.round((bytes * 1000) / durationMs) } : {}),
    });
    return undefined;
  },
};

/** Under the path, only when all of it is there. Returns the bytes written. */
export async function writeVerified(
  body: AsyncIterable<Uint8Array>,
  path: string,
  force: boolean,
  signal: AbortSignal,
): Promise<number> {
  const destination = await openDestination(path, force, undefined, signal);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      await destination.write(chunk);
      bytes += chunk.length;
    }
    await destination.commit();
  } finally {
    await destination.discard();
  }
  return bytes;
}
