/** Records of a one-shot command (and of a batch line in human form) to stdout and stderr. */
import type { Column, OutputRecord } from '../commands/command.ts';
import type { RunOutput } from '../commands/execute.ts';
import { chooseColumns } from '../commands/format/columns.ts';
import { causeLines, errorJson, errorLine } from '../commands/format/error-line.ts';
import { jsonLine, safeJson } from '../commands/format/json.ts';
import { safeLines, safeText } from '../commands/format/safe-text.ts';
import { singleLines, tableLines, tsvHeader, tsvLine } from '../commands/format/table.ts';
import { filteredColumns, wantsJson } from '../lang/filters.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { jsonProgress, type ProgressLine, progressLine } from './progress.ts';
import type { Streams } from './streams.ts';

export interface OutputStyle {
  /** Colour on stdout and on stderr. */
  color: boolean;
  errorColor: boolean;
  /** Width where no terminal tells one. */
  fallbackColumns: number;
  /** Nothing that was written is taken back: no progress line that is drawn over itself. */
  appendOnly?: boolean;
}

/** Rows drawn with one set of column widths; a longer list goes on in further blocks, so memory stays bounded. */
const TABLE_ROWS = 5000;

export function commandOutput(parsed: ParsedCommand, streams: Streams, style: OutputStyle): RunOutput {
  const { command, options, filters } = parsed;
  const json = options.json || wantsJson(filters);
  const wanted = filteredColumns(filters) ?? options.columns;
  const view = command.otherViews?.find(({ when }) => when(parsed.values));
  const declared = view?.columns ?? command.columns ?? [];
  const blocks = view?.blocks === true && filters.length === 0 && streams.stdoutIsTty;
  let blocksDrawn = 0;
  const counted = filters.some((filter) => filter.kind === 'count');
  const single = command.shape === 'single' && filters.length === 0;
  const progress = style.appendOnly === true ? undefined : progressFor(options, json, streams);
  let rows: OutputRecord[] = [];
  let headerDone = false;
  let problem: unknown;

  /** Columns are chosen by the first row; a field that is not there fails the command at its end. */
  let chosen: Column[] | undefined;
  const columnsFor = (records: readonly OutputRecord[]): Column[] =>
    (chosen ??= chooseColumns(counted ? [] : declared, wanted, records));

  async function drawTable(): Promise<void> {
    const columns = columnsFor(rows);
    const width = options.wide ? Number.POSITIVE_INFINITY : (streams.columns() ?? style.fallbackColumns);
    const lines = await tableLines(rows, columns, {
      width,
      header: options.header && !headerDone,
      color: style.color,
    });
    headerDone = true;
    rows = [];
    for (const line of lines) streams.write(`${line}\n`);
  }

  return {
    record(record) {
      progress?.clear();
      try {
        if (json) return streams.write(`${jsonLine(record, wanted)}\n`);
        if (blocks) {
          if (blocksDrawn++ > 0) streams.write('\n');
          for (const line of singleLines(record, columnsFor([record]))) streams.write(`${line}\n`);
        } else if (single && streams.stdoutIsTty) {
          for (const line of singleLines(record, columnsFor([record]))) streams.write(`${line}\n`);
        } else if (single && wanted === undefined) {
          for (const column of columnsFor([record]))
            streams.write(`${column.key}\t${tsvLine(record, [column])}\n`);
        } else if (!streams.stdoutIsTty) {
          const columns = columnsFor([record]);
          if (options.header && !headerDone) streams.write(`${tsvHeader(columns)}\n`);
          headerDone = true;
          streams.write(`${tsvLine(record, columns)}\n`);
        } else {
          rows.push(record);
        }
      } catch (error) {
        problem ??= error;
      }
    },
    note(text) {
      progress?.clear();
      if (json) return;
      // With records on stdout, words for a person go beside them and not between them.
      if (command.columns === undefined || options.help) streams.write(`${safeLines(text)}\n`);
      else if (!options.quiet) streams.writeError(`${safeLines(text)}\n`);
    },
    warn(text) {
      progress?.clear();
      streams.writeError(
        json
          ? `${safeJson({ type: 'warning', text })}\n`
          : `${style.errorColor ? '\x1b[33mwarning:\x1b[39m' : 'warning:'} ${safeText(text)}\n`,
      );
    },
    async bytes(chunk) {
      progress?.clear();
      await streams.writeBytes(chunk);
    },
    progress: (label, figures) => progress?.update(label, figures),
    error(error) {
      progress?.clear();
      if (error.code === 'cancelled' && !json && options.quiet) return;
      streams.writeError(`${json ? errorJson(error) : errorLine(error, style.errorColor)}\n`);
      const stacks = options.logLevel === 'debug';
      if (stacks || (options.verbose && !json)) {
        for (const line of causeLines(error, stacks)) streams.writeError(`${line}\n`);
      }
    },
    async flush() {
      if (rows.length === 0) return;
      progress?.clear();
      await drawTable();
    },
    async end() {
      progress?.clear();
      while (rows.length > TABLE_ROWS) {
        const rest = rows.splice(TABLE_ROWS);
        await drawTable();
        rows = rest;
      }
      if (rows.length > 0) await drawTable();
      if (problem !== undefined) throw problem;
    },
  };
}

function progressFor(
  { progress, quiet }: ParsedCommand['options'],
  json: boolean,
  streams: Streams,
): ProgressLine | undefined {
  if (progress === 'json') return jsonProgress((line) => streams.writeError(`${line}\n`));
  if (progress === 'none' || !streams.stderrIsTty || quiet || json) return undefined;
  return progressLine(
    (text) => streams.writeError(text),
    () => streams.columns() ?? 80,
  );
}
