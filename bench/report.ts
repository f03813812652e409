/**
 * Writes docs/BENCHMARKS.md: runs the benchmarks named (all by default), keeps their rows in bench/results/, and sets
 * every kept row into the page, so that one benchmark can be repeated without the others.
 *
 *   npm run bench:report [-- NAME …]     `-- --render` only writes the page anew from the kept rows
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { basename } from 'node:path';
import type { Row } from './support/rows.ts';

const HERE = new URL('.', import.meta.url).pathname;
const RESULTS = `${HERE}results`;
const PAGE = new URL('../docs/BENCHMARKS.md', import.meta.url).pathname;

/** Each says in its own file what it measures against what. */
const BENCHES: Record<string, string> = {
  e2e: 'A file put and read back through `bin/datamesh` over six node processes, and what the same bytes cost other tools',
  backup:
    'A folder of 20,000 files backed up, again unchanged, again with a hundredth changed, and restored, beside restic',
  mesh: 'The mesh through the engine’s API beside the ceiling: the same work without a product around it, in the same run',
  codec: 'Erasure code, sealing and hashing on one thread and in workers',
  demo: '`datamesh demo`: eight nodes, a file of 64 MiB, two nodes killed, and healed; its steps, and all of it from start to end',
  soak: 'Six node processes for two hours under mixed load, 20 operations a second: what they come to. Only when named',
  store: 'The shard store beside what the disk and other stores do',
  console:
    'The console on real nodes with fifty peers: first frame, cost at rest, from a key to its echo, and very long lists on an engine in memory',
};

/** What stands beside datamesh in a benchmark, and how it tells its version. */
const OTHERS: Record<string, readonly (readonly [command: string, argument: string])[]> = {
  e2e: [
    ['restic', 'version'],
    ['rclone', 'version'],
  ],
  backup: [['restic', 'version']],
  codec: [['openssl', 'version']],
  store: [['fio', '--version']],
};

const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = asked.filter((name) => !(name in BENCHES));
if (unknown.length > 0)
  throw new Error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);

mkdirSync(RESULTS, { recursive: true });
if (!process.argv.includes('--render')) {
  for (const name of asked.length > 0 ? asked : Object.keys(BENCHES).filter((it) => it !== 'soak')) run(name);
}
writeFileSync(PAGE, page());

function run(name: string): void {
  console.error(`${name} …`);
  // Through npm, so that it runs with the flags that its script names.
  const result = spawnSync('npm', ['run', '-s', `bench:${name}`, '--', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`${name} ended with ${result.status}`);
  const meta = { machine: machine(), date: new Date().toISOString().slice(0, 10), others: others(name) };
  writeFileSync(`${RESULTS}/${name}.jsonl`, `${JSON.stringify(meta)}\n${result.stdout}`);
}

/** First lines of what they say; of those that are installed. */
function others(name: string): string[] {
  return (OTHERS[name] ?? []).flatMap(([command, argument]) => {
    const { status, stdout } = spawnSync(command, [argument], { encoding: 'utf8' });
    return status === 0 ? [stdout.trim().split('\n')[0]!] : [];
  });
}

function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${cpu?.model.trim() ?? arch()}, ${memory}, ${platform()} ${release()}`;
}

function page(): string {
  const parts = [
    '# Benchmarks',
    '',
    'Written by `npm run bench:report` from the rows in `bench/results/`; do not edit. Each figure is a median of so many runs (of one',
    'run, what was seen there). Where something else does the same work, its figure from the same run stands beside it: trust the ratios, the machines are shared and noisy.',
    'A row without a reference is measured alone, or is the reference of others.',
  ];
  for (const file of readdirSync(RESULTS)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()) {
    const name = basename(file, '.jsonl');
    const lines = readFileSync(`${RESULTS}/${file}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const meta = lines.find((line) => 'machine' in line) as
      | { machine: string; date: string; others?: string[] }
      | undefined;
    const rows = lines.filter((line) => 'bench' in line) as Row[];
    parts.push('', `## ${name}`, '', `${BENCHES[name] ?? name}: \`npm run bench:${name}\`.`);
    // One table for each Node.js that ran it.
    for (const [node, its] of Map.groupBy(rows, (row) => row.node)) {
      const beside = meta?.others?.map((it) => `; ${it}`).join('') ?? '';
      parts.push(`Machine: ${meta?.machine ?? '?'}; Node ${node}${beside}; ${meta?.date ?? '?'}.`);
      parts.push('', '| case | value | reference | ratio | runs |', '|---|---|---|---|---|');
      for (const row of its) {
        const reference = row.reference === null ? '' : `${row.reference}: ${row.referenceValue} ${row.unit}`;
        parts.push(
          `| ${row.case} | ${row.value} ${row.unit} | ${reference} | ${row.ratio ?? ''} | ${row.runs} |`,
        );
      }
      parts.push('');
    }
    parts.pop();
  }
  return `${parts.join('\n')}\n`;
}
