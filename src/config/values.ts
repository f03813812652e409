/** Values of configuration fields: from text (command line, environment), from JSON (file), and back to text. */
import { DatameshError } from '../errors.ts';
import type { ConfigField, FieldValue } from './fields.ts';
import { suggest } from './suggest.ts';
import { formatSize, parseRate, parseSize } from './units.ts';

/** A value as typed. Throws `bad-value`; `where` names the flag, variable or command it came from. */
export function parseFieldText(field: ConfigField, text: string, where: string): FieldValue {
  const value = fromText(field, text);
  if (value === undefined)
    throw badValue(field, where, `"${text.slice(0, 80)}" is not ${kindText(field)}`, text);
  const problem = field.check?.(value);
  if (problem !== undefined) throw badValue(field, where, problem, text);
  return value;
}

/** What is wrong with a value from JSON, or undefined. */
export function fieldProblem(field: ConfigField, value: unknown): string | undefined {
  if (!hasKind(field, value)) return `must be ${kindText(field)}, not ${JSON.stringify(value)?.slice(0, 80)}`;
  return field.check?.(value);
}

export function formatField(field: ConfigField, value: FieldValue): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'number' && value > 0 && field.kind === 'size') return formatSize(value);
  if (typeof value === 'number' && value > 0 && field.kind === 'rate') return `${formatSize(value)}/s`;
  return String(value);
}

function fromText(field: ConfigField, text: string): FieldValue | undefined {
  switch (field.kind) {
    case 'string':
      return text;
    case 'enum':
      return field.values?.includes(text) ? text : undefined;
    case 'integer':
      return /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
    case 'size':
      return parseSize(text);
    case 'rate':
      return parseRate(text);
    case 'boolean':
      return parseBoolean(text);
    case 'list':
      return text.split(/[\s,]+/).filter((item) => item !== '');
  }
}

export function parseBoolean(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase();
  if (['true', 'yes', 'y', 'on', '1'].includes(lower)) return true;
  if (['false', 'no', 'n', 'off', '0'].includes(lower)) return false;
  return undefined;
}

function hasKind(field: ConfigField, value: unknown): value is FieldValue {
  switch (field.kind) {
    case 'string':
      return typeof value === 'string';
    case 'enum':
      return typeof value === 'string' && field.values !== undefined && field.values.includes(value);
    case 'integer':
    case 'size':
    case 'rate':
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

export function kindText(field: ConfigField): string {
  switch (field.kind) {
    case 'string':
      return 'a text';
    case 'enum':
      return `one of ${field.values?.join(', ')}`;
    case 'integer':
      return 'a whole number';
    case 'size':
      return 'a size such as 10GiB or 500MB';
    case 'rate':
      return 'a rate such as 2MiB/s, or 0 for no limit';
    case 'boolean':
      return 'true or false';
    case 'list':
      return 'a list of texts';
  }
}

function badValue(field: ConfigField, where: string, problem: string, text: string): DatameshError {
  const near = field.kind === 'enum' ? suggest(text, field.values ?? []) : [];
  return new DatameshError('bad-value', {
    what: `${where}: ${problem}`,
    mend:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `${field.key} is ${kindText(field)}: ${field.summary}`,
    details: { key: field.key, suggestions: near },
  });
}
