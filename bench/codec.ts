/** `npm run bench:codec`: the codec against ISA-L, against its own stages, and two workers against one. */
import { cpus } from 'node:os';
import { erasureRows } from './codec/erasure.ts';
import { pipelineRows } from './codec/pipeline.ts';
import { workerRows } from './codec/workers.ts';
import { Report } from './support/rows.ts';

const MIB = 2 ** 20;
const report = new Report('codec');
report.note(
  `${cpus().length} × ${cpus()[0]?.model.trim()}; rates per second of CPU time of one thread, but for the workers`,
);
await erasureRows(report, [MIB, 4 * MIB]);
await pipelineRows(report, [MIB, 4 * MIB]);
await workerRows(report, 4 * MIB);
report.end();
