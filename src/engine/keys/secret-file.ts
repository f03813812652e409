/** Reading files that hold secrets: refused when anybody but their owner may read them. */
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';

/** Mode of every secret file that datamesh writes. */
export const SECRET_MODE = 0o600;
const GROUP_AND_WORLD = 0o077;

/** The bytes of a secret file, `undefined` when there is none. Throws `insecure-file-mode`, `malformed-data` over `maxBytes`. */
export async function readSecretFile(
  disk: Disk,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const stat = await disk.stat(path);
  if (stat === undefined) return undefined;
  if (stat.kind !== 'file') {
    throw new DatameshError('malformed-data', {
      what: `${path} is not a file`,
      mend: 'move it away and try again',
    });
  }
  if ((stat.mode & GROUP_AND_WORLD) !== 0) {
    throw new DatameshError('insecure-file-mode', {
      what: `${path} may be read or changed by other users (mode ${(stat.mode & 0o777).toString(8)})`,
      why: 'it holds secret keys',
      mend: `chmod 600 '${path}', and if others use this machine, consider the keys in it known to them`,
      details: { path, mode: stat.mode & 0o777 },
    });
  }
  if (stat.sizeBytes > maxBytes) {
    throw new DatameshError('malformed-data', {
      what: `${path} has ${stat.sizeBytes} bytes, more than the ${maxBytes} allowed`,
    });
  }
  return disk.readFile(path, maxBytes);
}
