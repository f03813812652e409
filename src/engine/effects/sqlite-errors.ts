/** SQLite's result codes (https://sqlite.org/rescode.html) in the words of datamesh. */
import { DatameshError, type ErrorCode } from '../../errors.ts';

/** Primary result codes, the low byte of an extended one. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended codes: a write failed otherwise than for want of space on the disk. */
const IOERR_WRITE = 778;
/** No room for the file by which connections share a log. */
const IOERR_SHMSIZE = 4874;

/** Of a file that is damaged. */
export const LOOK =
  'restore it from a backup of the data folder; what is damaged, and what else brings it back, says: datamesh doctor';
/** What reading a value throws that was written as JSON or UTF-8, and is neither any more. */
const ENCODING = 'ERR_ENCODING_INVALID_ENCODED_DATA';

type Meaning = readonly [ErrorCode, string, string];
const NO_ROOM: Meaning = [
  'disk-full',
  'no space is left for the database',
  'free some space; what was stored before is unharmed',
];

/** By extended or primary code. */
const MEANINGS = new Map<number, Meaning>([
  [BUSY, ['lock-held', 'the database is in use by another process', 'wait for it or stop it']],
  [LOCKED, ['lock-held', 'the database is in use by another process', 'wait for it or stop it']],
  [
    READONLY,
    ['file-denied', 'the database may not be written', 'give yourself write permission on the data folder'],
  ],
  [
    CANTOPEN,
    ['file-denied', 'the database cannot be opened', 'check that the data folder exists and is yours'],
  ],
  [FULL, NO_ROOM],
  [IOERR_SHMSIZE, NO_ROOM],
  // SQLite tells a quota that is used up (EDQUOT) like this, and not which errno it was.
  [
    IOERR_WRITE,
    [
      'failed',
      'the disk refused to write the database',
      'see whether your disk quota is used up (quota -s), and look at the system log for errors of the device',
    ],
  ],
  [
    IOERR,
    [
      'failed',
      'the disk refused to read or write the database',
      'look at the system log for errors of the device',
    ],
  ],
  [CORRUPT, ['malformed-data', 'the database is damaged', LOOK]],
  [NOTADB, ['malformed-data', 'the database is damaged, and not a SQLite database any more', LOOK]],
]);

/** The error of a call on a database; what is no SQLite error comes back as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  if (error instanceof SyntaxError || (error as { code?: unknown } | undefined)?.code === ENCODING)
    return told(MEANINGS.get(CORRUPT)!, error as Error, path);
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const meaning = MEANINGS.get(error.errcode) ?? MEANINGS.get(error.errcode & 0xff);
  if (meaning === undefined) return error;
  return told(meaning, error, path);
}

function told([code, what, mend]: Meaning, error: Error, path: string) {
  return new DatameshError(code, { what: `${what} (${path})`, why: error.message, mend, cause: error });
}
