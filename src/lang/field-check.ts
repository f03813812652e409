/** Holds the fields that a line names (`--json=a,b`, `where size > 1MiB`) against those that the command's records have. Pure. */
import type { Command } from '../commands/command.ts';
import type { Fields, JsonSchema } from '../commands/fields.ts';
import { suggest } from '../config/suggest.ts';
import { type Filter, numberFrom } from './filters.ts';
import type { Diagnostic, Span } from './types.ts';

/** By name, every type it has in records of one kind or another; none where only a column tells of it. */
type KnownFields = ReadonlyMap<string, readonly JsonSchema[]>;

const COUNTED: KnownFields = new Map([['count', [{ type: 'integer' }]]]);

/** What is wrong with the fields chosen for output. */
export function checkColumns(command: Command, columns: readonly string[], span: Span): Diagnostic[] {
  const known = fieldsOf(command);
  if (known === undefined) return [];
  return columns.filter((name) => !known.has(name)).map((name) => unknown(name, known, span));
}

/** What is wrong with filters behind the command, each with the place where it stands. */
export function checkFilters(
  command: Command,
  filters: readonly { filter: Filter; span: Span }[],
): Diagnostic[] {
  let known = fieldsOf(command);
  const found: Diagnostic[] = [];
  for (const { filter, span } of filters) {
    if (known === undefined) return found;
    if (filter.kind === 'sort' && typesOf(known, filter.column) === undefined)
      found.push(unknown(filter.column, known, span));
    if (filter.kind === 'where') found.push(...checkWhere(filter, known, span));
    if (filter.kind === 'cols') {
      const chosen = new Map<string, readonly JsonSchema[]>();
      for (const name of filter.columns) {
        const types = typesOf(known, name);
        if (types === undefined) found.push(unknown(name, known, span));
        chosen.set(name, types ?? []);
      }
      known = chosen;
    }
    if (filter.kind === 'count') known = COUNTED;
  }
  return found;
}

function checkWhere(
  { column, comparison, value }: Extract<Filter, { kind: 'where' }>,
  known: KnownFields,
  span: Span,
): Diagnostic[] {
  const types = typesOf(known, column);
  if (types === undefined) return [unknown(column, known, span)];
  if (comparison === '~' || types.length === 0 || !types.every(isNumber)) return [];
  if (numberFrom(value) !== undefined) return [];
  return [
    {
      code: 'bad-value',
      message: value === '' ? `nothing stands behind '${comparison}'` : `'${value}' is no number`,
      suggestions: [],
      mend: `${column} is a number: write one, a size (4MiB), a duration (5m) or a date (2026-11-22)`,
      span,
    },
  ];
}

/** Undefined: the command does not declare its fields. */
function fieldsOf({ fields, columns = [], otherViews = [] }: Command): KnownFields | undefined {
  if (fields === undefined) return undefined;
  const known = new Map<string, JsonSchema[]>();
  for (const kind of Array.isArray(fields) ? (fields as readonly Fields[]) : [fields as Fields]) {
    for (const [name, schema] of Object.entries(kind)) {
      const plain = name.replace(/\?$/, '');
      known.set(plain, [...(known.get(plain) ?? []), schema]);
    }
  }
  for (const { key } of [...columns, ...otherViews.flatMap((view) => view.columns)])
    if (!known.has(key)) known.set(key, []);
  // Commands that change something say so when they only tried.
  if (!known.has('dryRun')) known.set('dryRun', []);
  return known;
}

/** Of a field, or of one within it: `code.k`. Undefined: there is none. */
function typesOf(known: KnownFields, path: string): readonly JsonSchema[] | undefined {
  const whole = known.get(path);
  if (whole !== undefined) return whole;
  const [first = '', ...rest] = path.split('.');
  let types = known.get(first);
  for (const name of rest) {
    if (types === undefined) return undefined;
    // What has no declared properties may have any.
    if (types.some((type) => type.properties === undefined)) return [];
    types = types.flatMap((type) => {
      const within = (type.properties as Readonly<Record<string, JsonSchema>>)[name];
      return within === undefined ? [] : [within];
    });
    if (types.length === 0) return undefined;
  }
  return types;
}

function isNumber({ type }: JsonSchema): boolean {
  const types = Array.isArray(type) ? (type as string[]) : [type];
  return types.every((it) => it === 'number' || it === 'integer' || it === 'null');
}

function unknown(name: string, known: KnownFields, span: Span): Diagnostic {
  const names = [...known.keys()].filter((it) => it !== 'dryRun');
  return {
    code: 'bad-value',
    message: `there is no field '${name}' here`,
    suggestions: suggest(name, names),
    mend: `fields are ${names.join(', ')}`,
    span,
  };
}
