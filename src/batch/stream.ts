/** `batch --stream`: commands from a producer that goes on for long, each run as soon as its line has come. */
import type { Host } from '../commands/execute.ts';
import { DatameshError, EXIT } from '../errors.ts';
import { parse } from '../lang/parser.ts';
import { type BatchOptions, judge, runCommands, type Tally } from './batch.ts';
import { decodeScript, MAX_LINE_BYTES } from './source.ts';

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

  for await (const line of linesOf(source, host.signal)) {
    lines++;
    if (pending === '') firstLine = lines;
    pending += line;
    if (Buffer.byteLength(pending) > MAX_LINE_BYTES)
      throw new DatameshError('input-too-large', {
        what: `line ${firstLine} is longer than ${MAX_LINE_BYTES} bytes`,
      });
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
      reporter.invalid(judged.diagnostics, text, options.file, 'line');
      tally.failed++;
      if (tally.keepGoing) continue;
      stopped = EXIT.usage;
      break;
    }
    variables = judged.variables;
    stopped = await runCommands(judged.commands, host, scope, tally);
    if (stopped !== undefined) break;
  }
  if (stopped === undefined && pending.trim() !== '') {
    const { diagnostics } = judge(pending, { ...options, variables, firstLine });
    reporter.invalid(diagnostics, pending, options.file, 'line');
    tally.failed++;
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

async function* linesOf(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  let rest: Uint8Array = new Uint8Array();
  const iterator = source[Symbol.asyncIterator]();
  let stop = () => {};
  signal.addEventListener('abort', () => stop(), { once: true });
  for (;;) {
    // Not Promise.race: a promise that lasts as long as the stream would keep every piece of it.
    const next = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
      stop = () => resolve(undefined);
      if (signal.aborted) stop();
      else iterator.next().then(resolve, reject);
    });
    if (next === undefined) {
      void iterator.return?.();
      return;
    }
    if (next.done) break;
    rest = Buffer.concat([rest, next.value]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield decodeScript(rest.subarray(0, end)).replace(/\r$/, '');
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_LINE_BYTES)
      throw new DatameshError('input-too-large', { what: `a line is longer than ${MAX_LINE_BYTES} bytes` });
  }
  if (rest.length > 0) yield decodeScript(rest);
}
