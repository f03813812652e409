/** `batch --stream`: commands from a producer that goes on for long, each run as soon as its line has come. */
import type { Host } from '../commands/execute.ts';
import { DatameshError, EXIT } from '../errors.ts';
import { parse } from '../lang/parser.ts';
import { sourceText } from '../lang/position.ts';
import type { Diagnostic } from '../lang/types.ts';
import { type BatchOptions, judge, runCommands, type Tally } from './batch.ts';
import { decodeScript, MAX_LINE_BYTES, untilAborted } from './source.ts';

/** Bytes behind a wrong one that are shown with it. */
const MAX_SHOWN = 100;

/**
 * Only the line at hand is known, so nothing is judged beforehand: a mistake is told when its line comes, and counts as a failed command. Lines,
 * variables and statuses are otherwise those of a script. The exit status is as of `runBatch`.
 */
export async function runStream(
  source: AsyncIterable<Uint8Array>,
  host: Host,
  options: BatchOptions,
): Promise<number> {
  const { reporter } = options;
  const startedAt = options.now();
  const tally: Tally = { ran: 0, failed: 0, skipped: 0, keepGoing: options.keepGoing, status: 0 };
  let variables = options.variables;
  let pending = '';
  let firstLine = 1;
  let lines = 0;
  let stopped: number | undefined;

  const mistaken = (diagnostics: readonly Diagnostic[], text: string) => {
    reporter.invalid(diagnostics, text, options.file, 'line');
    tally.failed++;
    pending = '';
    if (!tally.keepGoing) stopped = EXIT.usage;
  };

  for await (const bytes of linesOf(source, host.signal)) {
    lines++;
    if (pending === '') firstLine = lines;
    const read = readLine(bytes, Buffer.byteLength(pending), lines);
    if (typeof read !== 'string') {
      mistaken([read.diagnostic], read.text);
      if (stopped !== undefined) break;
      continue;
    }
    pending += read;
    const scope = { ...options, variables, firstLine };
    if (parse(pending, { registry: options.registry, variables, env: options.env }).incomplete) {
      pending += '\n';
      continue;
    }
    const text = pending;
    pending = '';
    if (!/\S/.test(text)) continue;
    const judged = judge(text, scope);
    if (judged.diagnostics.length > 0) {
      mistaken(judged.diagnostics, text);
      if (stopped !== undefined) break;
      continue;
    }
    variables = judged.variables;
    stopped = await runCommands(judged.commands, host, scope, tally);
    if (stopped !== undefined) break;
  }
  if (stopped === undefined && pending.trim() !== '') {
    mistaken(judge(pending, { ...options, variables, firstLine }).diagnostics, pending);
    stopped = EXIT.usage;
  }
  if (host.signal.aborted) stopped = EXIT.interrupted;
  const code = stopped ?? (tally.failed > 0 ? EXIT.partial : EXIT.ok);
  const { ran, failed, skipped } = tally;
  reporter.summary({
    ok: code === EXIT.ok,
    code,
    ran,
    failed,
    skipped,
    ms: Math.round(options.now() - startedAt),
  });
  return code;
}

/** The text of a line, or what is wrong with its bytes and as much of it as can be shown. */
function readLine(
  bytes: Uint8Array,
  before: number,
  line: number,
): string | { diagnostic: Diagnostic; text: string } {
  try {
    if (before + bytes.length > MAX_LINE_BYTES)
      throw new DatameshError('input-too-large', {
        what: `the line is longer than ${MAX_LINE_BYTES} bytes`,
        mend: 'split it',
      });
    return decodeScript(bytes, 'line').replace(/\r$/, '');
  } catch (error) {
    if (!(error instanceof DatameshError)) throw error;
    const offset = Number(error.details?.offset ?? 0);
    const shown = (length: number) => Buffer.from(bytes.subarray(0, length)).toString();
    const start = shown(offset).length;
    const span = sourceText('', line).span(0, 0);
    const { code, message, mend } = error;
    return {
      text: shown(offset + MAX_SHOWN),
      diagnostic: {
        ...{ code, message, suggestions: [], span: { ...span, start, end: start + 1, column: start + 1 } },
        ...(mend === undefined ? {} : { mend }),
      },
    };
  }
}

/** Of a line without end as much comes as shows that it is too long; the rest of it is passed over. */
async function* linesOf(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  let passingOver = false;
  for await (const chunk of untilAborted(source, signal)) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (!passingOver) yield rest.subarray(0, end);
      passingOver = false;
      rest = rest.subarray(end + 1);
    }
    if (!passingOver && rest.length <= MAX_LINE_BYTES) continue;
    if (!passingOver) yield rest;
    passingOver = true;
    rest = new Uint8Array();
  }
  if (rest.length > 0 && !signal.aborted) yield rest;
}
