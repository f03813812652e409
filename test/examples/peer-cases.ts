/** Examples of `peer …`: the file of the mesh's own home is written; the mesh itself was opened without one and goes on as before. */
import type { Before, Case } from './cases.ts';

const named: Before = async ({ line }) => line.replace('birch', 'attic');

const banned: Before = async (setting) => {
  const { scene, home } = setting;
  await scene.run(home, 'datamesh peer ban attic --yes');
  return named(setting);
};

export const PEER_CASES: Record<string, Case> = {
  'datamesh peer ban birch': { before: named },
  'datamesh peer ban birch --dry-run': { before: named },
  'datamesh peer ban birch --yes --json': { before: named },
  'datamesh peer unban birch': { before: banned },
  'datamesh peer unban birch --dry-run': { before: banned },
  'datamesh peer unban birch --json=peerId,banned': { before: banned },
  'datamesh peer name birch attic-box': { before: named },
  'datamesh peer name birch attic-box --dry-run': { before: named },
  'datamesh peer name birch --json': { before: named },
};
