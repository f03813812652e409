/** Records against the published schemas, stricter than these: a field that no schema names is a mistake. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonSchema } from '../../src/commands/fields.ts';
import { publishedSchemas } from '../../src/commands/format/schema.ts';
import { realRegistry } from './registry.ts';

const schemas = publishedSchemas(realRegistry().commands);
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a value by the schema of that name ("keys-new", "batch", "error"); undefined when nothing is. */
export function schemaProblem(name: string, value: unknown): string | undefined {
  const schema = schemas.get(name);
  if (schema === undefined) return `there is no schema '${name}'`;
  let validate = compiled.get(name);
  if (validate === undefined) {
    validate = new Ajv2020({ allErrors: true, strict: false }).compile(closed(schema) as JsonSchema);
    compiled.set(name, validate);
  }
  const json: unknown = JSON.parse(JSON.stringify(value));
  if (validate(json)) return undefined;
  const errors = (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
  return `${errors.join('; ')} in ${JSON.stringify(json).slice(0, 1500)}`;
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return inner.type === 'object' && 'properties' in inner ? { ...inner, additionalProperties: false } : inner;
}
