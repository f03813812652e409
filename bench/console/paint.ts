/** From the start of the process to the first frame with panels in it. */
import { cpuSeconds } from '../support/process.ts';
import type { Report } from '../support/rows.ts';
import type { BenchMesh } from './mesh.ts';

const START_MS = 30_000;

export async function measurePaint(mesh: BenchMesh, report: Report, runs: number): Promise<void> {
  const attached: number[] = [];
  const cpu: number[] = [];
  const own: number[] = [];
  const peers: number[] = [];
  // Alternating, so that both see the same machine; the first of each warms the file cache and is not counted.
  for (let run = 0; run <= runs; run++) {
    const looking = await paint(mesh, mesh.service.configPath);
    attached.push(looking.frameMs);
    cpu.push(looking.cpuMs);
    const node = await paint(mesh, await mesh.ownConfig());
    own.push(node.frameMs);
    peers.push(node.peersMs);
  }
  report.add('first frame, attached to a service', attached.slice(1), 'ms');
  report.add('processor time of that', cpu.slice(1), 'ms');
  report.add('first frame, the console is the node', own.slice(1), 'ms');
  report.add(`${mesh.peers} peers shown, the console is the node`, peers.slice(1), 'ms');
}

interface Paint {
  frameMs: number;
  cpuMs: number;
  peersMs: number;
}

async function paint(mesh: BenchMesh, configPath: string): Promise<Paint> {
  const startedMs = performance.now();
  const pty = mesh.console(configPath);
  try {
    await pty.waitUntil('the first frame', () => pty.alternate() && pty.text().includes('1 Peers'), START_MS);
    const frameMs = performance.now() - startedMs;
    const cpuMs = cpuSeconds(pty.pid) * 1000;
    const all = new RegExp(`Peers (${mesh.peers - 1}|${mesh.peers})/`);
    await pty.waitFor(all, START_MS);
    return { frameMs, cpuMs, peersMs: performance.now() - startedMs };
  } finally {
    pty.signal('SIGTERM');
    await pty.exited;
    await pty.close();
  }
}
