/**
 * Coded errors. Every failure a user can meet has a code, an exit status, and says what happened, why, and how to
 * mend it. The exit statuses are those of docs/EXIT_CODES.md (restic's rule: treat any non-zero as failure).
 */

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  notConfigured: 4,
  unreachable: 5,
  conflict: 6,
  integrity: 7,
  notFound: 8,
  denied: 9,
  full: 10,
  timeout: 11,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitName = keyof typeof EXIT;
export type ExitCode = (typeof EXIT)[ExitName];

/** The code printed in `error[DM-2003]`: the first digits are the exit status, the last three a number within it. */
const CODES = {
  failed: ['DM-1001', 'failed'],
  'unknown-command': ['DM-2001', 'usage'],
  'missing-argument': ['DM-2002', 'usage'],
  'unknown-option': ['DM-2003', 'usage'],
  'bad-value': ['DM-2004', 'usage'],
  syntax: ['DM-2005', 'usage'],
  'unset-variable': ['DM-2006', 'usage'],
  'confirmation-needed': ['DM-2007', 'usage'],
  'not-a-terminal': ['DM-2008', 'usage'],
  'is-a-directory': ['DM-2009', 'usage'],
  'input-too-large': ['DM-2010', 'usage'],
  'bad-name': ['DM-2011', 'usage'],
  'bad-phrase': ['DM-2012', 'usage'],
  'code-needs-more-nodes': ['DM-2013', 'usage'],
  'not-a-directory': ['DM-2014', 'usage'],
  'stored-degraded': ['DM-3001', 'partial'],
  'some-failed': ['DM-3002', 'partial'],
  'not-configured': ['DM-4001', 'notConfigured'],
  'config-unreadable': ['DM-4002', 'notConfigured'],
  'config-invalid': ['DM-4003', 'notConfigured'],
  'config-exists': ['DM-4004', 'notConfigured'],
  'no-owner-key': ['DM-4005', 'notConfigured'],
  'runtime-too-old': ['DM-4006', 'notConfigured'],
  'format-too-new': ['DM-4007', 'notConfigured'],
  'service-not-running': ['DM-5001', 'unreachable'],
  'peer-unreachable': ['DM-5002', 'unreachable'],
  'no-peers': ['DM-5003', 'unreachable'],
  'too-few-nodes': ['DM-5004', 'unreachable'],
  'port-in-use': ['DM-5005', 'unreachable'],
  'write-quorum-failed': ['DM-5006', 'unreachable'],
  'lock-held': ['DM-6001', 'conflict'],
  'already-exists': ['DM-6002', 'conflict'],
  'already-running': ['DM-6003', 'conflict'],
  'source-changed': ['DM-6004', 'conflict'],
  'precondition-failed': ['DM-6005', 'conflict'],
  'shards-missing': ['DM-7001', 'integrity'],
  'hash-mismatch': ['DM-7002', 'integrity'],
  'not-authentic': ['DM-7003', 'integrity'],
  'malformed-data': ['DM-7004', 'integrity'],
  'not-found': ['DM-8001', 'notFound'],
  'file-not-found': ['DM-8002', 'notFound'],
  denied: ['DM-9001', 'denied'],
  'file-denied': ['DM-9002', 'denied'],
  'insecure-file-mode': ['DM-9003', 'denied'],
  'wrong-passphrase': ['DM-9004', 'denied'],
  'quota-full': ['DM-10001', 'full'],
  'disk-full': ['DM-10002', 'full'],
  timeout: ['DM-11001', 'timeout'],
  internal: ['DM-70001', 'internal'],
  cancelled: ['DM-130001', 'interrupted'],
} as const satisfies Record<string, readonly [string, ExitName]>;

export type ErrorCode = keyof typeof CODES;

export interface ErrorText {
  /** What happened, one sentence without a full stop. */
  what: string;
  /** Why, when it is known and not plain from `what`. */
  why?: string | undefined;
  /** What the reader can do about it. */
  mend?: string | undefined;
  cause?: unknown;
  /** Machine-readable facts (missing shard ids, a did-you-mean list …), JSON-safe. */
  details?: Record<string, unknown> | undefined;
}

/** The JSON form, used by `--json` and between a client and the service. */
export interface ErrorRecord {
  code: ErrorCode;
  id: string;
  exit: number;
  what: string;
  why?: string;
  mend?: string;
  details?: Record<string, unknown>;
}

export class DatameshError extends Error {
  readonly code: ErrorCode;
  readonly why: string | undefined;
  readonly mend: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, text: ErrorText) {
    super(text.what, text.cause === undefined ? undefined : { cause: text.cause });
    this.name = 'DatameshError';
    this.code = code;
    this.why = text.why;
    this.mend = text.mend;
    this.details = text.details;
  }

  get id(): string {
    return CODES[this.code][0];
  }

  get exit(): ExitCode {
    return EXIT[CODES[this.code][1]];
  }

  toRecord(): ErrorRecord {
    return {
      code: this.code,
      id: this.id,
      exit: this.exit,
      what: this.message,
      ...(this.why === undefined ? {} : { why: this.why }),
      ...(this.mend === undefined ? {} : { mend: this.mend }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }

  static fromRecord(record: ErrorRecord): DatameshError {
    const code: ErrorCode = record.code in CODES ? record.code : 'internal';
    return new DatameshError(code, {
      what: record.what,
      why: record.why,
      mend: record.mend,
      details: record.details,
    });
  }
}

/** Any thrown value as a DatameshError; what was not foreseen becomes `internal` and keeps its cause. */
export function asDatameshError(error: unknown): DatameshError {
  if (error instanceof DatameshError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new DatameshError('cancelled', { what: 'cancelled', cause: error });
  }
  const what = error instanceof Error ? error.message : String(error);
  return new DatameshError('internal', {
    what: `unexpected error: ${what}`,
    mend: 'this is a defect in datamesh; run again with --log-level debug and report the output',
    cause: error,
  });
}

/** Every code with its printed id and exit status, for the generated docs and the exit-code test. */
export function errorTable(): { code: ErrorCode; id: string; exit: ExitCode }[] {
  return (Object.keys(CODES) as ErrorCode[]).map((code) => ({
    code,
    id: CODES[code][0],
    exit: EXIT[CODES[code][1]],
  }));
}
