import type { MetricFamily, MetricSample } from '../../engine/views/metrics.ts';
import { DatameshError } from '../../errors.ts';
import type { Command, OutputRecord } from '../command.ts';
import { METRIC_FIELDS } from './fields.ts';

const FORMATS = ['prometheus', 'json', 'csv'] as const;
type Format = (typeof FORMATS)[number];

export const metricsCommand: Command = {
  path: ['metrics'],
  group: 'care',
  summary: 'Show what this node measures of itself, for a person or a monitor',
  description: `Names and units are Prometheus': counters end in _total and count since the node started, times are seconds, sizes bytes. Of
    peers at most 50 have figures of their own, all others together are "other". A service gives the same at http://127.0.0.1:PORT/metrics when the
    configuration says metrics.port; nobody but this machine can ask there.`,
  args: [
    {
      name: 'prefix',
      type: { kind: 'string' },
      summary: 'Only metrics whose names begin so, with or without datamesh_',
      required: false,
    },
  ],
  options: [
    {
      name: 'export',
      type: { kind: 'enum', values: FORMATS },
      summary: 'Print all in this format, and nothing else',
    },
  ],
  examples: [
    { line: 'datamesh metrics put', note: 'of puts' },
    { line: 'datamesh metrics --export prometheus', note: 'as a scrape gives it' },
    { line: 'datamesh metrics repair --json=name,labels,value', note: 'for a script' },
  ],
  fields: METRIC_FIELDS,
  effects: 'reads',
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'labelText', title: 'LABELS', priority: 1 },
    { key: 'value', title: 'VALUE', align: 'right' },
    { key: 'type', title: 'TYPE', priority: 2 },
    { key: 'help', title: 'MEANING', priority: 3 },
  ],
  async run(context, values) {
    const { out } = context;
    const engine = await context.engine();
    const families = beginningWith(values.prefix as string | undefined, await engine.metrics());
    const format = values.export as Format | undefined;
    if (format !== undefined) return out.bytes(Buffer.from(await exported(families, format)));
    for (const family of families) for (const sample of family.samples) out.record(recordOf(family, sample));
    const { mode } = await engine.status();
    if (mode === 'embedded') {
      const { startWords } = await import('../node/service-words.ts');
      out.note(
        `no service runs, so these are the figures of this command alone: ${await startWords(context)}`,
      );
    }
  },
};

function beginningWith(prefix: string | undefined, families: MetricFamily[]): MetricFamily[] {
  if (prefix === undefined) return families;
  const found = families.filter(
    ({ name }) => name.startsWith(prefix) || name.startsWith(`datamesh_${prefix}`),
  );
  if (found.length > 0) return found;
  throw new DatameshError('not-found', {
    what: `no metric begins with ${JSON.stringify(prefix.slice(0, 80))}`,
    mend: 'see all of them: datamesh metrics',
  });
}

async function exported(families: readonly MetricFamily[], format: Format): Promise<string> {
  if (format === 'json') return `${JSON.stringify(families, null, 2)}\n`;
  if (format === 'csv') return csvOf(families);
  const { expositionOf } = await import('../../engine/observe/exposition.ts');
  return expositionOf(families);
}

function recordOf({ type, help }: MetricFamily, { name, labels, value }: MetricSample): OutputRecord {
  return { name, labels, labelText: labelText(labels), value, type, help };
}

function labelText(labels: MetricSample['labels']): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** RFC 4180, one line a sample. */
function csvOf(families: readonly MetricFamily[]): string {
  const rows = families.flatMap(({ type, samples }) =>
    samples.map(({ name, labels, value }) => [name, labelText(labels), String(value), type]),
  );
  return [['name', 'labels', 'value', 'type'], ...rows]
    .map((row) => `${row.map(csvCell).join(',')}\r\n`)
    .join('');
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
