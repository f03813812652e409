/** The demo's story: start, meet, put, look, kill, read back, compare. Every figure is measured on the way. */
import { basename, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Engine, ObjectDetail, Receipt } from '../../../engine/engine.ts';
import type { CodeProfile } from '../../../engine/types.ts';
import { DatameshError } from '../../../errors.ts';
import type { Context } from '../../command.ts';
import { type DemoMesh, type DemoNode, openDemoMesh, startNodes, untilAllMet } from './nodes.ts';
import { fileSize, type Hashes, hashesOf, readFileInPieces, writeRandomFile } from './sample.ts';
import { healthOutcome, rate, seconds, size, type Teller, teller } from './tell.ts';

/** Stripes of which the layout is read back for the table; beyond that the receipt's totals say enough. */
const SHOWN_STRIPES = 1024;
/** 64 MiB take half a minute; ten seconds of it are the time that a node may need to restart. */
const HEAL_WITHIN_MS = 180_000;
const HEAL_POLL_MS = 1_000;
/** Room on each node beside its shards: manifests, segments that are not yet full. */
const SPARE_QUOTA_BYTES = 1024 ** 3;

export interface DemoRequest {
  file: string | undefined;
  sizeBytes: number;
  nodes: number;
  kill: number;
  keep: boolean;
  console: boolean;
}

/** Throws what failed: `hash-mismatch`, `shards-missing` when more were killed than the code spares, … */
export async function runDemo(context: Context, request: DemoRequest): Promise<number> {
  const startMs = performance.now();
  const given = request.file === undefined ? undefined : resolve(context.cwd, request.file);
  const sizeBytes = given === undefined ? request.sizeBytes : await fileSize(given);
  const code = codeFor(request.nodes);
  const mesh = await openDemoMesh();
  let kept = false;
  try {
    const path = given ?? join(mesh.folder, 'sample.bin');
    const tell = teller(context);
    const { signal } = context;
    const source = await tell.step(
      'file',
      async () => {
        if (given === undefined) await writeRandomFile(path, sizeBytes, signal);
        return hashesOf(readFileInPieces(path), signal);
      },
      (hashes) => ({
        line: `${given === undefined ? 'random bytes' : path}, ${size(hashes.bytes)}`,
        more: [`BLAKE3  ${hashes.blake3}`, `SHA-256 ${hashes.sha256}`],
        facts: { path, ...hashes },
      }),
    );
    await meet(context, tell, mesh, request, code, sizeBytes);
    const putter = mesh.nodes[0]!;
    const name = basename(path);
    await store(context, tell, mesh, putter, { path, name, sizeBytes, code });
    if (request.console) {
      const status = await openConsole(putter);
      return status;
    }
    await loseAndRead(context, tell, mesh, putter, { name, source, kill: request.kill, code });
    const total = seconds(performance.now() - startMs);
    if (request.keep) {
      kept = true;
      tellKept(context, mesh, putter);
    } else context.out.note(`all of it took ${total}; the nodes and their folder are gone again`);
    return 0;
  } finally {
    await mesh.close(kept);
  }
}

/** 4+2 where there are nodes enough, else as much as fits: never two shards of a stripe on one node. */
function codeFor(nodes: number): CodeProfile {
  if (nodes >= 6) return { k: 4, m: 2 };
  const m = nodes >= 4 ? 2 : 1;
  return { k: nodes - m, m };
}

async function meet(
  context: Context,
  tell: Teller,
  mesh: DemoMesh,
  request: DemoRequest,
  code: CodeProfile,
  sizeBytes: number,
): Promise<void> {
  const { env, signal } = context;
  await tell.step(
    'start',
    () =>
      startNodes(mesh, {
        nodes: request.nodes,
        code,
        quotaBytes: sizeBytes * 2 + SPARE_QUOTA_BYTES,
        env,
        signal,
        tied: !request.keep,
      }),
    () => ({
      line: `${mesh.nodes.length} processes on 127.0.0.1, data in ${mesh.folder}`,
      more: mesh.nodes.map((node) => `${node.name}  process ${node.pid}  ${node.address.split('/p2p/')[0]}`),
      facts: {
        folder: mesh.folder,
        nodes: mesh.nodes.map(({ name, pid, address }) => ({ name, pid, address })),
      },
    }),
  );
  await tell.step(
    'meet',
    () => untilAllMet(mesh, signal),
    () => ({ line: 'each node is connected to all others', facts: { nodes: mesh.nodes.length } }),
  );
}

async function store(
  context: Context,
  tell: Teller,
  mesh: DemoMesh,
  putter: DemoNode,
  file: { path: string; name: string; sizeBytes: number; code: CodeProfile },
): Promise<void> {
  const { signal } = context;
  const { name, sizeBytes, code } = file;
  const receipt = await tell.step(
    'put',
    () =>
      putter.engine.put(
        readFileInPieces(file.path),
        { name, sizeBytes, code },
        {
          signal,
          onProgress: (progress) => context.out.progress(`put ${name}`, progress),
        },
      ),
    (it, ms) => ({
      line: `by ${putter.name}, coded ${code.k}+${code.m}: ${rate(sizeBytes, ms)}`,
      more: [
        `${it.shardsDurable} of ${it.shardsWanted} shards synced to disk and acknowledged, spare ${it.spare}`,
      ],
      facts: {
        by: putter.name,
        code: `${code.k}+${code.m}`,
        objectId: it.object.objectId,
        shardsDurable: it.shardsDurable,
        shardsWanted: it.shardsWanted,
        spare: it.spare,
      },
    }),
  );
  await tell.step(
    'layout',
    () => putter.engine.info(name, { stripeLimit: SHOWN_STRIPES }),
    (detail) => layoutOutcome(mesh, detail, receipt),
  );
  await tell.step(
    'health',
    () => putter.engine.health({ signal }),
    (report) => healthOutcome(report, (id) => nameOf(mesh, id)),
  );
}

function layoutOutcome(mesh: DemoMesh, detail: ObjectDetail, receipt: Receipt) {
  const shards = detail.stripesDetail.flatMap((stripe) => stripe.shards);
  const rows = mesh.nodes.map((node) => {
    const own = shards.filter((shard) => shard.holder === node.peerId);
    return {
      node: node.name,
      data: own.filter((shard) => shard.kind === 'data').length,
      parity: own.filter((shard) => shard.kind === 'parity').length,
      manifest: detail.manifest.shards.filter((shard) => shard.holder === node.peerId).length,
      total: receipt.holders.find((holder) => holder.peerId === node.peerId)?.shards ?? 0,
    };
  });
  const cell = (count: number) => String(count).padStart(6);
  return {
    line: `${detail.stripes} stripes of ${detail.code.k + detail.code.m} shards of ${size(detail.stripesDetail[0]?.shardBytes ?? 0)}`,
    more: [
      `${'node'.padEnd(8)}   data parity manifest`,
      ...rows.map(
        (row) => `${row.node.padEnd(8)} ${cell(row.data)} ${cell(row.parity)} ${cell(row.manifest)}`,
      ),
    ],
    facts: { stripes: detail.stripes, holders: rows },
  };
}

async function loseAndRead(
  context: Context,
  tell: Teller,
  mesh: DemoMesh,
  putter: DemoNode,
  { name, source, kill, code }: { name: string; source: Hashes; kill: number; code: CodeProfile },
): Promise<void> {
  const { signal } = context;
  if (kill > 0) {
    const victims = await victimsOf(mesh, putter, name, kill);
    await tell.step(
      'kill',
      async () => {
        for (const victim of victims) mesh.kill(victim);
      },
      () => ({
        line: `SIGKILL to ${victims.map((node) => `${node.name} (${node.pid})`).join(', ')}`,
        facts: { killed: victims.map((node) => node.name) },
      }),
    );
  }
  const back = await tell.step(
    'get',
    () => readBack(putter.engine, name, context),
    (hashes, ms) => ({
      line: `${size(hashes.bytes)} from the ${mesh.nodes.filter((node) => node.alive).length} nodes left: ${rate(hashes.bytes, ms)}`,
      more: [`BLAKE3  ${hashes.blake3}`, `SHA-256 ${hashes.sha256}`],
      facts: { ...hashes },
    }),
  );
  const same = back.blake3 === source.blake3 && back.sha256 === source.sha256 && back.bytes === source.bytes;
  if (!same) {
    throw new DatameshError('hash-mismatch', {
      what: 'what was read back is not what was stored',
      mend: 'this is a defect in datamesh; run again with --keep and report the logs in the folder',
      details: { source, back },
    });
  }
  await tell.step(
    'compare',
    async () => undefined,
    () => ({ line: 'identical, byte for byte', facts: { identical: true } }),
  );
  await tell.step(
    'health',
    () => putter.engine.health({ signal }),
    (report) => healthOutcome(report, (id) => nameOf(mesh, id)),
  );
  const alive = mesh.nodes.filter((node) => node.alive).length;
  if (kill > 0 && alive >= code.k + code.m) await watchItHeal(context, tell, mesh, putter);
}

/** The nodes left rebuild by themselves what is missing; here nothing is done but asking them. */
async function watchItHeal(context: Context, tell: Teller, mesh: DemoMesh, putter: DemoNode): Promise<void> {
  const { signal } = context;
  const endMs = performance.now() + HEAL_WITHIN_MS;
  await tell.step(
    'heal',
    async () => {
      for (;;) {
        const report = await putter.engine.health({ signal });
        if (report.ok === report.objects) return report;
        if (performance.now() > endMs) {
          throw new DatameshError('stored-degraded', {
            what: `${report.shardsLive} of ${report.shardsExpected} shards live ${seconds(HEAL_WITHIN_MS)} after the file was read back`,
            why: 'the nodes left have not rebuilt the others yet',
            mend: 'run again with --keep and look at `datamesh health` and `datamesh jobs` there',
          });
        }
        await setTimeout(HEAL_POLL_MS, undefined, { signal });
      }
    },
    (report) => healthOutcome(report, (id) => nameOf(mesh, id)),
  );
}

async function readBack(engine: Engine, name: string, { out, signal }: Context): Promise<Hashes> {
  const onProgress = (progress: Parameters<typeof out.progress>[1]) => out.progress(`get ${name}`, progress);
  const { body } = await engine.get(name, {}, { signal, onProgress });
  return hashesOf(body, signal);
}

/** Those that hold most of the first stripes, but not the node that reads: its catalog is the only one so far. */
async function victimsOf(mesh: DemoMesh, putter: DemoNode, name: string, kill: number): Promise<DemoNode[]> {
  const { stripesDetail } = await putter.engine.info(name, { stripeLimit: SHOWN_STRIPES });
  const held = (node: DemoNode) =>
    stripesDetail.flatMap((stripe) => stripe.shards).filter((shard) => shard.holder === node.peerId).length;
  return mesh.nodes
    .filter((node) => node !== putter)
    .map((node) => ({ node, shards: held(node) }))
    .sort((a, b) => b.shards - a.shards)
    .slice(0, kill)
    .map(({ node }) => node);
}

function nameOf(mesh: DemoMesh, peerId: string): string {
  return mesh.nodes.find((node) => node.peerId === peerId)?.name ?? peerId;
}

async function openConsole(node: DemoNode): Promise<number> {
  const { runConsole } = await import('../../../console/run.tsx');
  return runConsole({
    configPath: node.configPath,
    attach: true,
    plain: false,
    forceWizard: false,
    dataDir: undefined,
  });
}

function tellKept({ out }: Context, mesh: DemoMesh, putter: DemoNode): void {
  const alive = mesh.nodes.filter((node) => node.alive);
  out.note(`the nodes still run, with their data in ${mesh.folder}. Try:`);
  out.note(`  datamesh list --config ${putter.configPath}`);
  out.note(`  datamesh console --attach --config ${putter.configPath}`);
  out.note(`and in the end: kill ${alive.map((node) => node.pid).join(' ')}; rm -r ${mesh.folder}`);
}
