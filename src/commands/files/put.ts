import { basename } from 'node:path';
import type { Receipt } from '../../engine/engine.ts';
import type { CodeProfile } from '../../engine/types.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, OutputRecord } from '../command.ts';
import { many } from '../format/units.ts';
import { PUT_FIELDS } from './fields.ts';
import { mimeTypeOf } from './mime-type.ts';
import { checkName, parseTags } from './object-name.ts';
import { objectRecord } from './object-record.ts';
import { refuseTaken } from './seen.ts';
import { changedWarning, openSource } from './source-file.ts';
import { undoNewVersion } from './undo-lines.ts';

export const putCommand: Command = {
  path: ['put'],
  synonyms: [['upload']],
  group: 'files',
  summary: 'Store a file in the mesh',
  description: `The file is sealed, cut into chunks and coded; each shard is on the disk of another node before the command ends
    well. A name that exists gets a new version, and the old one stays readable until the new one is complete. A put of a file of 16 MiB or more
    that was interrupted goes on where it stopped when the same command is given again within three days and the file has not changed.`,
  args: [
    {
      name: 'file',
      type: { kind: 'path', dash: true },
      summary: "File to store; '-' reads standard input",
      required: true,
    },
  ],
  options: [
    {
      name: 'name',
      short: 'n',
      type: { kind: 'string' },
      summary: "Name in the mesh, in place of the file's own",
    },
    {
      name: 'tags',
      short: 't',
      type: { kind: 'string' },
      summary: 'Tags, separated by commas',
      repeatable: true,
    },
    {
      name: 'type',
      type: { kind: 'string' },
      summary: "Media type, in place of the one of the name's extension",
    },
    {
      name: 'code',
      type: { kind: 'code' },
      summary: "Data + parity shards, in place of the pool's code",
    },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to put it into, in place of the default one' },
    { name: 'if-absent', summary: 'Refuse if the name exists' },
    {
      name: 'compress',
      summary: 'Compress what a sample says shrinks; its stored size may then tell what it is',
    },
    {
      name: 'no-resume',
      summary: 'Do not go on where an interrupted put of this file stopped, nor note where this one is',
    },
    { name: 'allow-degraded', summary: 'Store with fewer nodes than the code wants (exit 3)' },
  ],
  examples: [
    { line: 'datamesh put holiday.mp4', note: 'store a file under its own name' },
    {
      line: 'datamesh put report.pdf --name 2026/report.pdf --tags work,final',
      note: 'another name, and tags to find it by',
    },
    {
      line: 'tar c photos | datamesh put - --name photos.tar --json',
      note: 'from a pipe, with the receipt as JSON',
    },
  ],
  effects: 'writes',
  fields: PUT_FIELDS,
  touches: (values) => {
    const given = (values.name as string | undefined) ?? basename(values.file as string);
    return given === '-' ? [] : [given];
  },
  undo: (_values, records) => undoNewVersion(records),
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes' },
    { key: 'version', title: 'Version' },
    { key: 'objectId', title: 'Id' },
    { key: 'code', title: 'Code' },
    { key: 'pool', title: 'Pool' },
    { key: 'shardsDurable', title: 'Shards durable' },
    { key: 'shardsWanted', title: 'Shards wanted' },
    { key: 'spare', title: 'Spare' },
    { key: 'nodes', title: 'Nodes' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
    { key: 'bytesPerSecond', title: 'Rate', format: 'rate' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'stored with fewer shards than wanted (--allow-degraded)' },
    { code: EXIT.conflict, meaning: 'the name exists (--if-absent)' },
    { code: EXIT.unreachable, meaning: 'too few nodes; nothing is stored' },
  ],
  async run(context, values) {
    const { out, signal, options, cwd } = context;
    const file = values.file as string;
    const given = values.name as string | undefined;
    if (file === '-' && given === undefined) {
      throw new DatameshError('missing-argument', {
        what: 'standard input has no name',
        mend: 'add --name NAME',
      });
    }
    const name = checkName(given ?? basename(file));
    const source = file === '-' ? undefined : await openSource(file, cwd);
    const tags = parseTags(values.tags);
    const mimeType = (values.type as string | undefined) ?? mimeTypeOf(name);
    if (options.dryRun) {
      const engine = await context.engine();
      if (values['if-absent'] === true) await refuseTaken(engine, name);
      const pool = await engine.pools.show((values.pool as string | undefined) ?? 'default');
      const wanted = (values.code as CodeProfile | undefined) ?? pool.code;
      out.record({
        dryRun: true,
        name,
        sizeBytes: source?.sizeBytes,
        code: `${wanted.k}+${wanted.m}`,
        pool: pool.name,
        tags: tags ?? [],
        mimeType,
      });
      out.note('nothing was stored (--dry-run)');
      return undefined;
    }
    const engine = await context.engine();
    const put = async (fingerprint: string | undefined) =>
      await engine.put(
        source === undefined ? context.stdin() : source.read(signal),
        {
          name,
          sizeBytes: source?.sizeBytes,
          tags,
          mimeType,
          code: values.code as CodeProfile | undefined,
          pool: values.pool as string | undefined,
          ifAbsent: values['if-absent'] as boolean | undefined,
          allowDegraded: values['allow-degraded'] as boolean | undefined,
          compress: values.compress as boolean | undefined,
          source: fingerprint,
        },
        {
          signal,
          onProgress: (progress) => out.progress(`put ${name}`, progress),
          givesPieces: source !== undefined,
        },
      );
    const fingerprint = values['no-resume'] === true ? undefined : await source?.fingerprint();
    const receipt = await put(fingerprint).catch(async (error: unknown) => {
      if (!(error instanceof DatameshError) || error.code !== 'source-changed') throw error;
      out.note(`${file} has changed since its interrupted put: stored from the start`);
      return await put(fingerprint);
    });
    if (await source?.changed()) out.warn(changedWarning(file));
    if (receipt.stripesResumed > 0) {
      out.note(`resumed: ${receipt.stripesResumed} of ${receipt.object.stripes} stripes were already stored`);
    }
    out.record(receiptRecord(receipt));
    // A standard input that is closed reads as one that is empty: Node.js opens the null device in its place.
    if (source === undefined && receipt.object.sizeBytes === 0)
      out.warn(`standard input gave nothing: ${JSON.stringify(name)} is empty`);
    if (!receipt.degraded) return undefined;
    const { code } = receipt.object;
    const losses = receipt.survives.node;
    const { domain } = receipt;
    const domains = domain === 'none' || domain === 'node' ? undefined : receipt.survives[domain];
    out.warn(
      `stored degraded: ${receipt.shardsDurable} of ${receipt.shardsWanted} shards are durable, on ` +
        `${many(receipt.nodes, 'node')}; the file outlives the loss of ${losses === 0 ? 'none' : `any ${losses}`} of them, ` +
        `${domains === undefined ? '' : `and of ${domains === 0 ? 'no' : domains} ${domain}${domains === 1 ? '' : 's'}, `}` +
        `and ${code.k}+${code.m} promises ${code.m}`,
    );
    return EXIT.partial;
  },
};

function receiptRecord(receipt: Receipt): OutputRecord {
  const { object, shardsDurable, shardsWanted, spare, degraded, holders, replacedVersion, durationMs } =
    receipt;
  return {
    ...objectRecord(object),
    shardsDurable,
    shardsWanted,
    spare,
    degraded,
    domain: receipt.domain,
    survives: receipt.survives,
    stripesResumed: receipt.stripesResumed,
    nodes: receipt.nodes,
    holders,
    replacedVersion: replacedVersion ?? null,
    durationMs: Math.round(durationMs),
    // Of a resumed put nobody knows how many of the bytes moved in that time.
    ...(durationMs > 0 && receipt.stripesResumed === 0
      ? { bytesPerSecond: Math.round((object.sizeBytes * 1000) / durationMs) }
      : {}),
  };
}
