import { DatameshError } from '../../errors.ts';

/** errno numbers, which lmdb gives instead of names: no space (Linux, macOS), quota used up (Linux, macOS). */
const NO_SPACE: readonly unknown[] = [28, 122, 69];

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

export function isNoSpace(error: unknown): boolean {
  const code: unknown = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || NO_SPACE.includes(code);
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** What a device says of a place that it cannot give (EUCLEAN and EBADMSG, of file systems with sums, have no names in Node). */
const UNREADABLE: readonly unknown[] = ['EIO', 'ENODATA', 'EILSEQ', 'EREMOTEIO'];
const UNREADABLE_NUMBERS: readonly unknown[] = [-117, -74];

/** The device cannot give this place or file; others it may. */
export function isUnreadable(error: unknown): boolean {
  const number: unknown = (error as NodeJS.ErrnoException | undefined)?.errno;
  return UNREADABLE.includes(codeOf(error)) || UNREADABLE_NUMBERS.includes(number);
}

/** The same of `diskError`, from a read: what the log is written to is another place. */
export function isUnreadRecord(error: unknown): boolean {
  const cause: unknown = error instanceof DatameshError ? error.cause : error;
  return isUnreadable(cause) && (cause as NodeJS.ErrnoException).syscall === 'read';
}

/** A disk's error in the user's words. Nothing was acknowledged. */
export function diskError(error: unknown, dir: string): unknown {
  if (error instanceof DatameshError) return error;
  if (isNoSpace(error)) return diskFull(dir, error);
  if (codeOf(error) === undefined) return error;
  if ((error as NodeJS.ErrnoException).syscall === 'read') return unreadable(error as Error, dir);
  return new DatameshError('failed', {
    what: `the disk under ${dir} refused a write: ${error instanceof Error ? error.message : String(error)}`,
    why: 'the file system or the device reported an error; nothing of this write was acknowledged',
    mend: 'look at the system log for errors of the device; datamesh goes on writing to a new segment',
    cause: error,
  });
}

function unreadable(error: Error, dir: string): DatameshError {
  return new DatameshError('failed', {
    what: `the disk under ${dir} could not be read: ${error.message}`,
    why: 'the file system or the device reported an error',
    mend: 'look at the system log for errors of the device',
    cause: error,
  });
}

/** Of a commit of the index. LMDB's native part tells of it on stderr as well, in words of its own. */
export function indexUnwritten(error: unknown): string {
  const why = isNoSpace(error) ? 'no space is left' : error instanceof Error ? error.message : String(error);
  return `the index of the shards could not be written: ${why}; no shard is lost by it, it is tried again, and a start reads more of the segments until then`;
}

export function diskFull(dir: string, cause?: unknown): DatameshError {
  return new DatameshError('disk-full', {
    what: `no space left for shards in ${dir}`,
    why: 'the file system is full, or down to the reserve that the configuration keeps free',
    mend: 'free some space or lower storage.reserve; reading and deleting go on working',
    cause,
  });
}

export function quotaFull(quotaBytes: number, usedBytes: number): DatameshError {
  return new DatameshError('quota-full', {
    what: `the shard quota of this node is used up: ${usedBytes} of ${quotaBytes} bytes`,
    mend: 'raise storage.quota or delete files',
    details: { quotaBytes, usedBytes },
  });
}
