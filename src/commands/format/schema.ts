/** Published JSON Schemas: of the records of each command, and of the lines of a batch and of errors. */
import { errorTable } from '../../errors.ts';
import type { Command } from '../command.ts';
import {
  count,
  dryRun,
  type Fields,
  integer,
  isoTime,
  type JsonSchema,
  listOf,
  ms,
  objectOf,
  oneOf,
  orNull,
  text,
  yesNo,
} from '../fields.ts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Of the records with all their fields; undefined for a command that yields none. `--json=a,b` and filters choose among them. */
export function commandSchema(command: Command): JsonSchema | undefined {
  const { fields } = command;
  if (fields === undefined) return undefined;
  const name = command.path.join(' ');
  const shapes = (Array.isArray(fields) ? (fields as readonly Fields[]) : [fields as Fields]).map((it) =>
    shapeOf(it, command),
  );
  const head = { $schema: DIALECT, title: `datamesh ${name} --json`, description: `${command.summary}.` };
  return shapes.length === 1 ? { ...head, ...shapes[0] } : { ...head, anyOf: shapes };
}

/** With `--dry-run` a record says so and holds what is known beforehand. */
function shapeOf(fields: Fields, command: Command): JsonSchema {
  const whole = objectOf(fields);
  if (command.effects === 'reads' && !('dryRun?' in fields)) return whole;
  const { required, properties, ...rest } = whole;
  return {
    ...rest,
    properties: { ...(properties as JsonSchema), dryRun },
    anyOf: [{ required: ['dryRun'] }, ...(required === undefined ? [{}] : [{ required }])],
  };
}

/** What stands on standard error when a command with --json fails. */
function errorSchema(): JsonSchema {
  return {
    $schema: DIALECT,
    title: 'An error of datamesh with --json',
    ...objectOf({ 'type?': { const: 'error' }, ...ERROR_FIELDS() }),
  };
}

const ERROR_FIELDS = (): Fields => ({
  id: oneOf(...new Set(errorTable().map(({ id }) => id))),
  code: oneOf(...errorTable().map(({ code }) => code)),
  exit: count,
  what: text,
  'why?': text,
  'mend?': text,
  'details?': { type: 'object' },
});

/** Of the lines of `datamesh batch --json`, one of these each. */
function batchSchema(): JsonSchema {
  const head: Fields = { v: { const: 1 } };
  const line = { line: count };
  const kinds: Record<string, Fields> = {
    start: { ...line, cmd: text },
    record: { ...line, data: { type: 'object', description: 'as `datamesh help COMMAND --schema` says' } },
    note: { ...line, text },
    warning: { ...line, text },
    bytes: { ...line, base64: text },
    error: { ...line, column: count, 'file?': text, 'cmd?': text, ...ERROR_FIELDS() },
    result: {
      ...line,
      cmd: text,
      ok: yesNo,
      code: orNull(integer),
      ms,
      'skipped?': { const: true },
      'reason?': oneOf('failed', 'condition', 'interrupted', 'done'),
    },
    effects: { ...line, cmd: text, command: text, effects: oneOf('reads', 'writes', 'destructive') },
    summary: { ok: yesNo, code: integer, ran: count, failed: count, skipped: count, ms },
  };
  return {
    $schema: DIALECT,
    title: 'A line of datamesh batch --json',
    oneOf: Object.entries(kinds).map(([type, fields]) =>
      objectOf({ type: { const: type }, ...head, ...fields }),
    ),
  };
}

/** Of the file that `batch --plan` writes and `--apply` reads. */
function planSchema(): JsonSchema {
  return {
    $schema: DIALECT,
    title: 'A plan of datamesh batch --plan',
    ...objectOf({
      format: { const: 'datamesh-plan' },
      version: { const: 1 },
      madeAt: isoTime,
      script: text,
      variables: { type: 'object', additionalProperties: text },
      steps: listOf(
        objectOf({
          line: count,
          cmd: text,
          command: text,
          effects: oneOf('reads', 'writes', 'destructive'),
          key: text,
          preconditions: listOf({
            oneOf: [
              objectOf({ kind: { const: 'object' }, name: text, objectId: orNull(text) }),
              objectOf({
                kind: { const: 'file' },
                path: text,
                sizeBytes: orNull(count),
                mtimeMs: orNull({ type: 'number' }),
              }),
            ],
          }),
        }),
      ),
    }),
  };
}

/** By the name under which `help NAME --schema` and docs/schemas/ have them. */
export function publishedSchemas(commands: readonly Command[]): Map<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  for (const command of commands) {
    const schema = command.hidden ? undefined : commandSchema(command);
    if (schema !== undefined) found.set(command.path.join('-'), schema);
  }
  found.set('batch', batchSchema());
  found.set('error', errorSchema());
  found.set('plan', planSchema());
  return found;
}
