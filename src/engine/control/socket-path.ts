/**
 * Where the control socket lies: in the data folder, or, where that path is too long for a socket address, under a
 * short one made of its hash. Whoever may open the socket rules the node, so its folder must be the user's alone.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { DatameshError } from '../../errors.ts';
import { dataPaths } from '../options.ts';

/** sun_path holds 108 bytes on Linux and 104 on macOS, a closing NUL included. */
export const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Paths at which the service of `dataDir` may listen, the preferred one first. The service takes the first whose folder
 * it may use; a client looks at all, because its environment need not be the service's.
 */
export function socketCandidates(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number = process.getuid?.() ?? 0,
): string[] {
  const direct = dataPaths(dataDir).socket;
  if (Buffer.byteLength(direct) <= MAX_SOCKET_PATH_BYTES) return [direct];
  const short = createHash('sha256').update(dataDir).digest('hex').slice(0, 24);
  const runtime = env.XDG_RUNTIME_DIR;
  const folders = [
    ...(runtime?.startsWith('/') ? [`${runtime}/datamesh`] : []),
    `/run/user/${uid}/datamesh`,
    `/tmp/datamesh-${uid}`,
  ];
  return [...new Set(folders)]
    .map((folder) => `${folder}/${short}.sock`)
    .filter((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES);
}

/** The data folder behind a link, as one to a larger disk is: by whatever name it is called, the service is found at one place. */
export async function realFolder(dataDir: string): Promise<string> {
  return realpath(dataDir).catch(() => dataDir);
}

/** Whether the folder of `path` is a real folder of this user that nobody else may enter. */
export async function inPrivateFolder(path: string): Promise<'private' | 'open' | 'absent'> {
  const folder = folderOf(path);
  try {
    const stat = await lstat(folder);
    const own = process.getuid === undefined || stat.uid === process.getuid();
    return stat.isDirectory() && own && (stat.mode & 0o077) === 0 ? 'private' : 'open';
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return 'absent';
    throw error;
  }
}

/** The path to listen at; makes the short folder (0700) where it is needed. Throws `insecure-file-mode`. */
export async function prepareSocketPath(dataDir: string): Promise<string> {
  const candidates = socketCandidates(dataDir);
  const direct = dataPaths(dataDir).socket;
  for (const path of candidates) {
    if (path !== direct) {
      try {
        await mkdir(folderOf(path), { mode: 0o700 });
      } catch (error) {
        if (!isErrno(error, 'EEXIST')) continue;
      }
    }
    if ((await inPrivateFolder(path)) === 'private') return path;
  }
  const folder = folderOf(candidates[0] ?? direct);
  throw new DatameshError('insecure-file-mode', {
    what: `the control socket cannot lie in ${folder}`,
    why: 'the folder is not yours alone, and whoever can open the socket rules the node',
    mend: `chmod 700 ${folder}`,
    details: { candidates },
  });
}

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
