/** What a batch tells while it runs: for a person, or as JSON Lines for a program. */

import type { RunOutput } from '../commands/execute.ts';
import { safeJson } from '../commands/format/json.ts';
import { safeText } from '../commands/format/safe-text.ts';
import { textWidth } from '../commands/format/text-width.ts';
import { DatameshError } from '../errors.ts';
import { diagnosticError, formatDiagnostic } from '../lang/diagnostics.ts';
import { filteredColumns } from '../lang/filters.ts';
import type { Diagnostic, ParsedCommand } from '../lang/types.ts';

export interface BatchSummary {
  ok: boolean;
  code: number;
  ran: number;
  failed: number;
  skipped: number;
  ms: number;
}

export type SkipReason = 'failed' | 'condition' | 'interrupted' | 'done';

export interface BatchReporter {
  /** The script has mistakes and nothing is run; of a stream only the line at hand is not. */
  invalid(diagnostics: readonly Diagnostic[], text: string, file: string, left?: 'script' | 'line'): void;
  start(parsed: ParsedCommand): void;
  output(parsed: ParsedCommand): RunOutput;
  result(parsed: ParsedCommand, code: number, ms: number): void;
  /** `expected` stands when a command ended with another status than `expect-exit` named. */
  unexpected(parsed: ParsedCommand, code: number, expected: number): void;
  skipped(parsed: ParsedCommand, reason: SkipReason): void;
  /** Of a script that is only checked: what the command would do. */
  effects(parsed: ParsedCommand): void;
  summary(summary: BatchSummary): void;
}

export interface Sink {
  out(text: string): void;
  err(text: string): void;
  drained(): Promise<void>;
}

/** The line as it may be shown: the arguments of a sensitive command stay hidden. */
export function shownText({ command, text }: ParsedCommand): string {
  return command.sensitive ? `${command.path.join(' ')} …` : text;
}

export function humanReporter(
  sink: Sink,
  options: { echo: boolean; quiet: boolean; file: string; output(parsed: ParsedCommand): RunOutput },
): BatchReporter {
  const skipped: ParsedCommand[] = [];
  let interrupted = false;
  let done = 0;
  return {
    invalid(diagnostics, text, file, left = 'script') {
      for (const diagnostic of diagnostics)
        sink.err(`${formatDiagnostic(diagnostic, text, file, textWidth)}\n`);
      const count = diagnostics.length;
      const what = left === 'script' ? 'nothing was run' : 'this line was not run';
      sink.err(`${count} ${count === 1 ? 'mistake' : 'mistakes'}; ${what}\n`);
    },
    start(parsed) {
      if (options.echo) sink.out(`# ${parsed.span.line}> ${safeText(shownText(parsed))}\n`);
    },
    output(parsed) {
      const out = options.output(parsed);
      const { line, column } = parsed.span;
      return {
        ...out,
        error(error) {
          // The place first, as a compiler does, then the error itself.
          sink.err(`${options.file}:${line}:${column}: `);
          out.error(error);
        },
      };
    },
    result() {},
    unexpected({ span }, code, expected) {
      sink.err(
        `${options.file}:${span.line}:${span.column}: ended with status ${code}, and expect-exit says ${expected}\n`,
      );
    },
    skipped(parsed, reason) {
      if (reason === 'condition') return;
      if (reason === 'done') {
        done++;
        return;
      }
      if (reason === 'interrupted') interrupted = true;
      skipped.push(parsed);
    },
    effects(parsed) {
      const { line } = parsed.span;
      sink.out(`${line}\t${parsed.command.effects}\t${safeText(shownText(parsed))}\n`);
    },
    summary({ failed }) {
      if (done > 0 && !options.quiet) sink.err(`${done} were done by an earlier run and were left out\n`);
      const first = skipped[0];
      if (first && !options.quiet) {
        const many = skipped.length === 1 ? '1 command was' : `${skipped.length} commands were`;
        sink.err(
          `${many} skipped after the ${interrupted ? 'interruption' : 'failure'}, from line ${first.span.line} on\n`,
        );
      }
      if (failed > 1 && !options.quiet) sink.err(`${failed} commands failed\n`);
    },
  };
}

/** Version of the JSON Lines; raised when a field changes its meaning. */
const FORMAT_VERSION = 1;

export function jsonReporter(sink: Sink): BatchReporter {
  const emit = (type: string, fields: Record<string, unknown>) =>
    sink.out(`${safeJson({ type, v: FORMAT_VERSION, ...fields })}\n`);
  const head = (parsed: ParsedCommand) => ({ line: parsed.span.line, cmd: shownText(parsed) });
  return {
    invalid(diagnostics, _text, file) {
      for (const diagnostic of diagnostics) {
        const { column, line } = diagnostic.span;
        emit('error', { line, column, file, ...diagnosticError(diagnostic).toRecord() });
      }
    },
    start: (parsed) => emit('start', head(parsed)),
    output(parsed) {
      const { line } = parsed.span;
      const wanted = filteredColumns(parsed.filters) ?? parsed.options.columns;
      return {
        record: (record) =>
          emit('record', {
            line,
            data:
              wanted === undefined
                ? record
                : Object.fromEntries(wanted.map((key) => [key, record[key] ?? null])),
          }),
        note: (text) => emit('note', { line, text }),
        warn: (text) => emit('warning', { line, text }),
        async bytes(chunk) {
          // Raw bytes would break the lines; a program gets them in base64.
          emit('bytes', { line, base64: Buffer.from(chunk).toString('base64') });
          await sink.drained();
        },
        progress() {},
        error: (error: DatameshError) =>
          emit('error', { line, column: parsed.span.column, ...error.toRecord() }),
        async end() {},
      };
    },
    result: (parsed, code, ms) => emit('result', { ...head(parsed), ok: code === 0, code, ms }),
    unexpected(parsed, code, expected) {
      const what = `ended with status ${code}, and expect-exit says ${expected}`;
      const { column } = parsed.span;
      emit('error', { ...head(parsed), column, ...new DatameshError('failed', { what }).toRecord() });
    },
    skipped: (parsed, reason) =>
      emit('result', {
        ...head(parsed),
        ok: reason === 'done',
        code: reason === 'done' ? 0 : null,
        skipped: true,
        reason,
        ms: 0,
      }),
    effects: (parsed) =>
      emit('effects', {
        ...head(parsed),
        command: parsed.command.path.join(' '),
        effects: parsed.command.effects,
      }),
    summary: (summary) => emit('summary', { ...summary }),
  };
}
