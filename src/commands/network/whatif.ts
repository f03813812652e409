import type { WhatifFigures, WhatifObject, WhatifReport } from '../../engine/views/whatif.ts';
import { EXIT } from '../../errors.ts';
import type { Command, Output, OutputRecord } from '../command.ts';
import { many } from '../format/units.ts';
import { WHATIF_FIELDS } from './fields.ts';

/** Objects named below the figures; `--objects` lists more. */
const NAMED = 10;

export const whatifCommand: Command = {
  path: ['whatif', 'lose'],
  synonyms: [['whatif']],
  group: 'network',
  summary: 'Show what the loss of nodes, racks or zones would do, before it happens',
  description: `A census, taken now and counted twice: as it is, and as if these nodes were gone with everything on them. Nothing is changed and nobody is
    told. What is silent now counts as missing in both. It says what could be read right after the loss; the mesh would begin to repair what can still be read.

    A place is a peer by its name or id, zone:NAME, rack:NAME, or rack:ZONE/NAME where several zones have a rack of that name.`,
  args: [
    {
      name: 'place',
      type: { kind: 'place' },
      summary: 'Who would be gone, all of them at once',
      required: true,
      variadic: true,
    },
  ],
  options: [{ name: 'objects', summary: 'List the objects that the loss would change, worst first' }],
  examples: [
    { line: 'datamesh whatif lose birch', note: 'can this node be switched off?' },
    { line: 'datamesh whatif lose zone:eu-1 --objects', note: 'what a whole zone would take along' },
    {
      line: 'datamesh whatif lose birch cedar --json || alert',
      note: 'exit 7 when an object could not be read any more',
    },
  ],
  effects: 'reads',
  fields: WHATIF_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'of', title: 'OF' },
    { key: 'state', title: 'STATE' },
    { key: 'now', title: 'NOW', align: 'right' },
    { key: 'after', title: 'AFTER', align: 'right' },
  ],
  otherViews: [
    {
      when: (values) => values.objects === true,
      columns: [
        { key: 'name', title: 'OBJECT' },
        { key: 'now', title: 'NOW' },
        { key: 'after', title: 'AFTER' },
        { key: 'spareNow', title: 'SPARE', align: 'right' },
        { key: 'spareAfter', title: 'THEN', align: 'right' },
        { key: 'objectId', title: 'ID', format: 'id', priority: 2 },
      ],
    },
  ],
  exits: [
    { code: EXIT.integrity, meaning: 'objects that can be read now could not be any more' },
    { code: EXIT.notFound, meaning: 'there is no such node, zone or rack' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const engine = await context.engine();
    const report = await engine.whatif(
      { lose: values.place as string[] },
      { signal, onProgress: (progress) => out.progress('census', progress) },
    );
    const records = values.objects === true ? report.worst.map(objectRecord) : figureRecords(report);
    for (const record of records) out.record(record);
    tell(out, report, values.objects === true);
    return report.newlyLost > 0 ? EXIT.integrity : undefined;
  },
};

const STATES = ['ok', 'degraded', 'critical', 'lost'] as const;
const SPARES = ['spare3plus', 'spare2', 'spare1', 'spare0', 'lost'] as const;
const SPARE_WORD = {
  spare3plus: 'spare 3+',
  spare2: 'spare 2',
  spare1: 'spare 1',
  spare0: 'spare 0',
  lost: 'lost',
} as const;

function figureRecords({ now, after }: Pick<WhatifReport, 'now' | 'after'>): OutputRecord[] {
  const row = (of: string, state: string, read: (figures: WhatifFigures) => number) => ({
    of,
    state,
    now: read(now),
    after: read(after),
  });
  return [
    ...STATES.map((state) => row('objects', state, (figures) => figures[state])),
    ...SPARES.map((spare) => row('stripes', SPARE_WORD[spare], (figures) => figures.stripes[spare])),
    row('shards', 'living', (figures) => figures.shardsLive),
  ];
}

function objectRecord(object: WhatifObject): OutputRecord {
  return { ...object };
}

function tell(out: Output, report: WhatifReport, listed: boolean): void {
  const names = report.gone.map(({ name, peerId }) => name ?? peerId.slice(-8));
  const shards = report.gone.reduce((sum, each) => sum + each.shards, 0);
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  out.note(
    `without ${names.slice(0, 5).join(', ')}${more}: ${many(shards, 'shard')} less; ${many(report.changed, 'object')} of ${report.objects} would change, ${report.newlyLost} could not be read any more`,
  );
  const { silentPeers } = report;
  if (silentPeers.length > 0)
    out.warn(
      `${many(silentPeers.length, 'holder')} did not answer: what they have counts as missing, now and then`,
    );
  if (listed) {
    if (report.changed > report.worst.length) out.note(`the worst ${report.worst.length} are listed`);
    return;
  }
  for (const { name, now, after, spareAfter } of report.worst.slice(0, NAMED))
    out.note(`${now} -> ${after}: ${name} (spare ${spareAfter})`);
  if (report.changed > NAMED) out.note('more with --objects');
}
