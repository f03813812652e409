/**
 * Types of the fields that a record has, as JSON Schema (2020-12). A command declares them beside its columns; from the declaration come
 * `help COMMAND --schema` and docs/schemas/, and every record of every example is held against it.
 */

export type JsonSchema = { readonly [keyword: string]: unknown };

/** By field name; a name that ends in `?` may be missing. */
export type Fields = { readonly [name: string]: JsonSchema };

export const text: JsonSchema = { type: 'string' };
export const yesNo: JsonSchema = { type: 'boolean' };
export const count: JsonSchema = { type: 'integer', minimum: 0 };
/** May be negative: a spare below 0 says how many shards are lacking. */
export const integer: JsonSchema = { type: 'integer' };
export const figure: JsonSchema = { type: 'number' };
export const bytes: JsonSchema = { type: 'integer', minimum: 0, description: 'bytes' };
export const rate: JsonSchema = { type: 'number', minimum: 0, description: 'bytes per second' };
/** Of a measured duration; whole or not. */
export const ms: JsonSchema = { type: 'number', minimum: 0, description: 'milliseconds' };
export const timeMs: JsonSchema = { type: 'number', description: 'milliseconds since 1970-01-01T00:00Z' };
export const isoTime: JsonSchema = { type: 'string', description: 'ISO 8601, UTC' };
/** Of a whole, 0 to 1; progress of what grows meanwhile may pass it. */
export const share: JsonSchema = { type: 'number', minimum: 0, description: 'part of 1' };
export const code: JsonSchema = { type: 'string', pattern: '^[0-9]+\\+[0-9]+$', description: 'k+m' };
export const anything: JsonSchema = {};
/** Of a command that only reads the mesh, and still heeds --dry-run: it writes files. Those that write have it anyhow. */
export const dryRun: JsonSchema = { const: true };

export const oneOf = (...values: readonly string[]): JsonSchema => ({ enum: values });
export const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
export const texts = listOf(text);

export function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  if (Array.isArray(values)) return { ...schema, enum: [...values, null] };
  return typeof type === 'string'
    ? { ...schema, type: [type, 'null'] }
    : { anyOf: [schema, { type: 'null' }] };
}

export function objectOf(fields: Fields): JsonSchema {
  const entries = Object.entries(fields).map(([name, schema]) => ({
    name: name.replace(/\?$/, ''),
    needed: !name.endsWith('?'),
    schema,
  }));
  const required = entries.filter(({ needed }) => needed).map(({ name }) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(({ name, schema }) => [name, schema])),
    ...(required.length === 0 ? {} : { required }),
  };
}
