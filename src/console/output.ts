/** What a command prints, as rows of the transcript. Tables wait for the end of the run, so that columns fit their content. */
import type { Column, OutputRecord } from '../commands/command.ts';
import type { RunOutput } from '../commands/execute.ts';
import { chooseColumns } from '../commands/format/columns.ts';
import { errorLine } from '../commands/format/error-line.ts';
import { jsonLine } from '../commands/format/json.ts';
import { safeLines } from '../commands/format/safe-text.ts';
import { singleLines, tableLines } from '../commands/format/table.ts';
import type { Progress } from '../engine/engine.ts';
import type { DatameshError } from '../errors.ts';
import { filteredColumns, wantsJson } from '../lang/filters.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { cell, type Row } from '../panels/cells.ts';
import type { Theme } from '../panels/theme.ts';
import { textRows } from './transcript.ts';

/** `cat` of something large would push everything else out of the transcript. */
const MAX_TEXT_BYTES = 256 * 1024;

export interface OutputSink {
  rows(rows: readonly Row[]): void;
  progress(label: string, progress: Progress): void;
  /** Columns that a row may take. */
  width(): number;
}

export function consoleOutput(parsed: ParsedCommand, sink: OutputSink, theme: Theme): RunOutput {
  const { command, options, filters } = parsed;
  const json = options.json || wantsJson(filters);
  const wanted = filteredColumns(filters) ?? options.columns;
  const records: OutputRecord[] = [];
  const decoder = new TextDecoder();
  let text = '';
  let textBytes = 0;
  let ended = false;

  const view = command.otherViews?.find(({ when }) => when(parsed.values));
  const columnsOf = (of: readonly OutputRecord[]): Column[] =>
    chooseColumns(view?.columns ?? command.columns ?? [], wanted, of);

  /** Said after records that are still held back: it stands below their table. */
  const below: Row[] = [];
  const say = (rows: readonly Row[]) => {
    if (records.length > 0) below.push(...rows);
    else sink.rows(rows);
  };

  const flushText = (rest: string) => {
    if (rest !== '') sink.rows(textRows(safeLines(rest.replace(/\r?\n$/, ''))));
  };

  const drawRecords = async () => {
    const ready = records.splice(0);
    if (ready.length > 0) sink.rows(await recordRows(ready, columnsOf(ready), sink.width(), parsed));
    if (below.length > 0) sink.rows(below.splice(0));
  };

  return {
    record(record) {
      if (json) sink.rows(textRows(jsonLine(record, wanted)));
      else records.push(record);
    },
    note(note) {
      if (!json && !options.quiet) say(textRows(safeLines(note)));
    },
    warn(warning) {
      say(textRows(`${theme.glyphs.warn} ${safeLines(warning)}`, 'warn'));
    },
    async bytes(chunk) {
      const room = MAX_TEXT_BYTES - textBytes;
      textBytes += chunk.length;
      if (room <= 0) return;
      text += decoder.decode(chunk.subarray(0, room), { stream: true });
      const last = text.lastIndexOf('\n');
      if (last < 0) return;
      flushText(text.slice(0, last + 1));
      text = text.slice(last + 1);
    },
    progress: (label, progress) => sink.progress(label, progress),
    flush: drawRecords,
    error(error: DatameshError) {
      sink.rows([[cell(`${theme.glyphs.bad} `, 'bad'), cell(errorLine(error), 'bad')]]);
    },
    async end() {
      if (ended) return;
      ended = true;
      flushText(text + decoder.decode());
      if (textBytes > MAX_TEXT_BYTES) {
        sink.rows([
          [
            cell(
              `${theme.glyphs.more} ${textBytes - MAX_TEXT_BYTES} more bytes are not shown; write them to a file with get`,
              'dim',
            ),
          ],
        ]);
      }
      await drawRecords();
    },
  };
}

async function recordRows(
  records: readonly OutputRecord[],
  columns: readonly Column[],
  width: number,
  { command, options, values }: ParsedCommand,
): Promise<Row[]> {
  const view = command.otherViews?.find(({ when }) => when(values));
  if (command.shape === 'single' || view?.blocks === true) {
    return records.flatMap((record, at) => {
      const rows = singleLines(record, columns).map((line) => splitLabel(line));
      return at === 0 ? rows : [[], ...rows];
    });
  }
  const lines = await tableLines(records, columns, {
    width: options.wide ? Number.POSITIVE_INFINITY : width,
    header: options.header,
    color: false,
  });
  return lines.flatMap((line, at) => textRows(line, at === 0 && options.header ? 'dim' : 'plain'));
}

/** "Title  value": the title is dimmed, so the eye finds the value. */
function splitLabel(line: string): Row {
  const at = line.search(/ {2}(?! )/);
  if (at < 0) return [cell(line)];
  return [cell(line.slice(0, at + 2), 'dim'), cell(line.slice(at + 2))];
}
