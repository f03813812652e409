/**
 * The one convention of every benchmark: a table for people, and with `--json` one JSON line per row. The reference is
 * measured in the same run; figures are medians; `docs/BENCHMARKS.md` is written from these rows by `npm run bench:report`.
 */

export interface Row {
  bench: string;
  case: string;
  value: number;
  unit: string;
  /** Name of what it is compared with, measured in this run; null when nothing fits. */
  reference: string | null;
  referenceValue: number | null;
  ratio: number | null;
  node: string;
  runs: number;
}

export class Report {
  private readonly rows: Row[] = [];
  private readonly bench: string;
  private readonly json = process.argv.includes('--json');

  constructor(bench: string) {
    this.bench = bench;
  }

  add(
    name: string,
    values: readonly number[],
    unit: string,
    reference?: { name: string; values: readonly number[] },
  ): void {
    const value = median(values);
    const referenceValue = reference === undefined ? null : median(reference.values);
    const row: Row = {
      bench: this.bench,
      case: name,
      value: rounded(value),
      unit,
      reference: reference?.name ?? null,
      referenceValue: referenceValue === null ? null : rounded(referenceValue),
      ratio: referenceValue === null || referenceValue === 0 ? null : rounded(value / referenceValue),
      node: process.version,
      runs: values.length,
    };
    this.rows.push(row);
    if (this.json) console.log(JSON.stringify(row));
  }

  /** What was not measured, and why: a benchmark never leaves a gap without a word. */
  note(text: string): void {
    console.error(`note: ${text}`);
  }

  end(): void {
    if (this.json) return;
    const cells = this.rows.map((row) => [
      row.case,
      `${row.value} ${row.unit}`,
      row.reference === null ? '' : `${row.reference}: ${row.referenceValue} ${row.unit}`,
      row.ratio === null ? '' : `×${row.ratio}`,
      `n=${row.runs}`,
    ]);
    const widths = [0, 1, 2, 3, 4].map((at) => Math.max(0, ...cells.map((line) => line[at]!.length)));
    console.log(`${this.bench} (Node ${process.version}, medians)`);
    for (const line of cells)
      console.log(
        `  ${line
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join('  ')
          .trimEnd()}`,
      );
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
