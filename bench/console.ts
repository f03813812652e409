/**
 * The console in a terminal of 200x50, on real nodes: six that store and others that are only there, so that it has as many peers as `--peers` says.
 * Processor time of the console while it is looked at, memory and its growth, the time to the first frame, from a key to its echo while a large file
 * is put; and how long the screen stands still while very long lists are scrolled (these alone on an engine in memory).
 *
 *   npm run bench:console [-- --json] [--peers 50] [--seconds 600] [--collect-every 60] [--size-mib 1024] [--runs 5] [--only idle,paint,echo,scroll]
 *
 * Memory grows by what is not collected yet as well: it is looked at for --seconds, ten minutes unless told. With --collect-every the live heap is told as often.
 */
import { rmSync } from 'node:fs';
import { measureEcho } from './console/echo.ts';
import { measureIdle } from './console/idle.ts';
import { openMesh } from './console/mesh.ts';
import { measurePaint } from './console/paint.ts';
import { measureScroll } from './console/scroll.ts';
import { numberOption, textOption } from './support/options.ts';
import { Report } from './support/rows.ts';

const report = new Report('console');
const phases = textOption('only', 'paint,idle,echo,scroll').split(',');
const parent = textOption('folder', '/dev/shm');
process.env.TMPDIR = parent;

if (phases.some((phase) => phase !== 'scroll')) {
  const mesh = await openMesh(numberOption('peers', 50));
  try {
    if (phases.includes('paint')) await measurePaint(mesh, report, numberOption('runs', 5));
    if (phases.includes('idle')) {
      await measureIdle(mesh, report, numberOption('seconds', 600), numberOption('collect-every', 0));
    }
    if (phases.includes('echo')) await measureEcho(mesh, report, numberOption('size-mib', 1024));
  } finally {
    // What was measured before a failure is still true.
    report.end();
    await mesh.close();
    rmSync(mesh.folder, { recursive: true, force: true });
  }
}
if (phases.includes('scroll')) {
  const scrolling = new Report('console, long lists');
  await measureScroll(scrolling);
  scrolling.end();
}
