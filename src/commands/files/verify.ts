import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Values } from '../command.ts';
import { shortId } from '../format/units.ts';
import { healthRecord, stateExit, tellSums } from '../network/health.ts';
import { VERIFY_FIELDS } from './fields.ts';

export const verifyCommand: Command = {
  path: ['verify'],
  group: 'files',
  summary: 'Make every holder prove the shards of objects',
  description: `Each holder is asked for a slice of each shard that a fresh random number chooses and for a sum of all of it, reads the whole shard to answer, and signs; what is
    not proved counts as missing. The sums of a stripe must fit together; where they do not, its shards are read, some 16 stripes and 256 MiB at a time, and what is beyond counts as missing. --deep also reads, decodes and decrypts every object and compares it with the hash of what was stored.`,
  args: [
    {
      name: 'object',
      type: { kind: 'object' },
      summary: 'Name, or id or the first digits of one',
      required: false,
    },
  ],
  options: [
    { name: 'all', summary: 'All objects' },
    { name: 'pool', type: { kind: 'string' }, summary: 'All objects of a pool' },
    { name: 'deep', summary: 'Read them to the end as well' },
  ],
  examples: [
    { line: 'datamesh verify holiday.mp4', note: 'is every shard of it there?' },
    { line: 'datamesh verify --all --deep', note: 'and does everything read as it was stored?' },
    { line: 'datamesh verify --pool archive --json', note: 'for a script; the exit status tells as well' },
  ],
  effects: 'reads',
  fields: VERIFY_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'objects', title: 'Objects' },
    { key: 'ok', title: 'Whole' },
    { key: 'degraded', title: 'Degraded' },
    { key: 'critical', title: 'Critical' },
    { key: 'lost', title: 'Lost' },
    { key: 'shardsLive', title: 'Shards proved' },
    { key: 'shardsExpected', title: 'Shards expected' },
    { key: 'stripesLost', title: 'Stripes lost' },
    { key: 'stripesSpare0', title: 'Stripes, spare 0' },
    { key: 'provedWhole', title: 'Proved whole' },
    { key: 'provedByChunk', title: 'By a chunk alone' },
    { key: 'provedOpen', title: 'Left open' },
    { key: 'objectsRead', title: 'Objects read' },
    { key: 'bytesRead', title: 'Bytes read', format: 'bytes' },
    { key: 'unreadable', title: 'Unreadable' },
    { key: 'silent', title: 'Silent peers' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'shards are missing, every object can be read' },
    { code: EXIT.integrity, meaning: 'an object is lost, or does not read as it was stored' },
    { code: EXIT.notFound, meaning: 'there is no such object' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const query = queryOf(values);
    const engine = await context.engine();
    const { health, failed, deep } = await engine.verify(query, {
      signal,
      onProgress: (progress) => out.progress('verify', progress),
    });
    out.record({
      ...healthRecord(health),
      objectsRead: deep?.objects ?? null,
      bytesRead: deep?.bytes ?? null,
      unreadable: deep?.unreadable ?? null,
      failed,
      unreadableObjects: deep?.worst ?? [],
    });
    for (const object of health.worst.slice(0, 10)) {
      out.note(`${object.state}: ${object.name} (spare ${object.spare})`);
    }
    tellSums(out, health);
    for (const { holder, name, absent, wrong } of failed.slice(0, 10)) {
      const who = name ?? shortId(holder);
      if (wrong > 0) out.note(`${who} gave ${wrong} wrong proofs`);
      if (absent > 0) out.note(`${who} said that it has ${absent} shards, and could not show them`);
    }
    for (const { name, reason } of deep?.worst.slice(0, 10) ?? []) out.note(`unreadable: ${name}: ${reason}`);
    return (deep?.unreadable ?? 0) > 0 ? EXIT.integrity : stateExit(health);
  },
};

function queryOf(values: Values): { ref?: string; pool?: string; deep: boolean } {
  const ref = values.object as string | undefined;
  const pool = values.pool as string | undefined;
  const given = [ref, pool, values.all === true ? true : undefined].filter((it) => it !== undefined);
  if (given.length !== 1) {
    throw new DatameshError(given.length === 0 ? 'missing-argument' : 'bad-value', {
      what: given.length === 0 ? 'nothing to verify was named' : 'more than one choice of objects was given',
      mend: 'name one object, or give --pool NAME, or --all',
    });
  }
  const deep = values.deep === true;
  if (ref !== undefined) return { ref, deep };
  return pool === undefined ? { deep } : { pool, deep };
}
