/** The mesh that a bench of whole commands runs on: six processes of 4+2, with a folder beside it, both gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoMesh, openDemoMesh, startNodes, untilAllMet } from '../../src/commands/start/demo/nodes.ts';

const NEVER = new AbortController().signal;

export async function withMesh(
  parent: string,
  quotaBytes: number,
  use: (mesh: DemoMesh, folder: string) => void | Promise<void>,
): Promise<void> {
  process.env.TMPDIR = parent;
  const folder = mkdtempSync(join(parent, 'datamesh-bench-'));
  const mesh = await openDemoMesh();
  try {
    await startNodes(mesh, {
      nodes: 6,
      code: { k: 4, m: 2 },
      quotaBytes,
      env: process.env,
      signal: NEVER,
      tied: true,
    });
    await untilAllMet(mesh, NEVER);
    await use(mesh, folder);
  } finally {
    await mesh.close(false);
    rmSync(folder, { recursive: true, force: true });
  }
}
