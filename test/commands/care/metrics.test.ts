/** metrics: for a person, for programs, and in three formats. */
import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';
import { readExposition } from '../../support/prometheus.ts';

async function run(...words: string[]) {
  const host = testHost({ engine: createFakeEngine() });
  return {
    status: await runLine(host, 'metrics', ...words),
    ...host.seen,
    stdout: Buffer.concat(host.seen.bytes).toString('utf8'),
  };
}

it('lists samples, all or those of a prefix', async () => {
  const all = await run();
  expect(all.records).toMatchObject([
    { name: 'datamesh_puts_total', labels: { result: 'ok' }, value: 12, type: 'counter' },
    { name: 'datamesh_puts_total', labels: { result: 'failed' }, value: 1 },
    { name: 'datamesh_repair_backlog_objects', value: 0.5, type: 'gauge' },
  ]);
  expect((await run('repair')).records).toHaveLength(1);
  expect((await run('datamesh_put')).records).toHaveLength(2);
  expect((await run('nothing')).status).toBe(8);
});

it('exports Prometheus’ format, JSON and CSV, with every odd character kept', async () => {
  const prometheus = readExposition((await run('--export', 'prometheus')).stdout);
  expect(prometheus.types.get('datamesh_puts_total')).toBe('counter');
  expect(prometheus.sum('datamesh_puts_total')).toBe(13);
  expect(prometheus.series('datamesh_repair_backlog_objects')).toBe(1);
  const json = JSON.parse((await run('--export', 'json')).stdout);
  expect(json[1].samples[0]).toEqual({
    name: 'datamesh_repair_backlog_objects',
    labels: { state: 'a "b", c' },
    value: 0.5,
  });
  expect((await run('--export', 'csv')).stdout.split('\r\n')).toEqual([
    'name,labels,value,type',
    'datamesh_puts_total,result=ok,12,counter',
    'datamesh_puts_total,result=failed,1,counter',
    'datamesh_repair_backlog_objects,"state=a ""b"", c",0.5,gauge',
    '',
  ]);
  await expect(run('--export', 'xml')).rejects.toThrow("'xml' is not a choice");
});
