/** Reads Prometheus' text format 0.0.4, strictly: whatever is not of it fails the test. */

export interface Scraped {
  types: ReadonlyMap<string, string>;
  /** By `name{labels}` as written. */
  values: ReadonlyMap<string, number>;
  /** Sum of all samples of that name whose labels hold these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Whether there is a sample of that name with these labels. */
  has(name: string, labels: Readonly<Record<string, string>>): boolean;
  /** How many samples have that name. */
  series(name: string): number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g;

export function readExposition(text: string): Scraped {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  const samples: { name: string; labels: Record<string, string>; value: number }[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1]!)) throw new Error(`two families ${type[1]}`);
      types.set(type[1]!, type[2]!);
      continue;
    }
    const match = SAMPLE.exec(line);
    if (match === null) throw new Error(`not of the format: ${line}`);
    const [, name = '', labelText = '', number = ''] = match;
    const value = Number(number.replace('+Inf', 'Infinity'));
    if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map((it) => [it[1], it[2]]));
    const key = `${name}{${labelText}}`;
    if (values.has(key)) throw new Error(`two samples ${key}`);
    values.set(key, value);
    samples.push({ name, labels, value });
  }
  const named = (name: string, wanted: Readonly<Record<string, string>> = {}) =>
    samples.filter(
      (it) => it.name === name && Object.entries(wanted).every(([key, value]) => it.labels[key] === value),
    );
  return {
    types,
    values,
    sum: (name, labels) => named(name, labels).reduce((sum, { value }) => sum + value, 0),
    has: (name, labels) => named(name, labels).length > 0,
    series: (name) => named(name).length,
  };
}
