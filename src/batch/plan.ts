/**
 * A script as a plan: its steps with what they find now, so that it can be looked at and carried out later only if all of that still holds.
 * The mesh cannot roll back; this is what there is in place of a transaction.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Host } from '../commands/execute.ts';
import { asDatameshError, DatameshError } from '../errors.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { leavesTraces } from './leaves-traces.ts';
import { shownText } from './reporter.ts';
import { stepKeys } from './step-key.ts';

const FORMAT = 'datamesh-plan';
const VERSION = 1;
/** A script is up to a MiB, and its steps repeat it. */
export const MAX_PLAN_BYTES = 16 * 1024 * 1024;
/** Changed things that are named; one is enough to stop. */
const TOLD = 10;

/** An object's id under a name (null: the name means nothing), or size and time of a file. */
export type Precondition =
  | { kind: 'object'; name: string; objectId: string | null }
  | { kind: 'file'; path: string; sizeBytes: number | null; mtimeMs: number | null };

export interface PlanStep {
  line: number;
  cmd: string;
  command: string;
  effects: 'reads' | 'writes' | 'destructive';
  key: string;
  preconditions: Precondition[];
}

export interface Plan {
  format: typeof FORMAT;
  version: typeof VERSION;
  /** ISO 8601. */
  madeAt: string;
  script: string;
  variables: Record<string, string>;
  steps: PlanStep[];
}

type Surroundings = Pick<Host, 'engine' | 'cwd'>;

export async function makePlan(
  script: string,
  commands: readonly ParsedCommand[],
  variables: Readonly<Record<string, string>>,
  host: Surroundings,
  madeAt: string,
): Promise<Plan> {
  const steps: PlanStep[] = [];
  const keys = stepKeys(commands);
  for (const [at, parsed] of commands.entries()) {
    const { command, span } = parsed;
    steps.push({
      line: span.line,
      cmd: shownText(parsed),
      command: command.path.join(' '),
      effects: command.effects,
      key: keys[at]!,
      preconditions: await found(parsed, host),
    });
  }
  return { format: FORMAT, version: VERSION, madeAt, script, variables: { ...variables }, steps };
}

/** Throws `bad-value` for what is no plan, `format-too-new` for one of a later version. */
export function readPlan(text: string, file: string): Plan {
  const wrong = (why: string) =>
    new DatameshError('bad-value', {
      what: `${file} is no plan of datamesh`,
      why,
      mend: 'make one with: datamesh batch -f SCRIPT --plan FILE',
    });
  let plan: Partial<Plan>;
  try {
    plan = JSON.parse(text) as Partial<Plan>;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (plan === null || typeof plan !== 'object' || plan.format !== FORMAT)
    throw wrong('it says another format');
  if (typeof plan.version === 'number' && plan.version > VERSION)
    throw new DatameshError('format-too-new', { what: `${file} was made by a later version of datamesh` });
  const { script, variables, steps } = plan;
  if (
    plan.version !== VERSION ||
    typeof script !== 'string' ||
    !isTextMap(variables) ||
    !Array.isArray(steps)
  )
    throw wrong('a field is missing or of another type');
  if (!steps.every(isStep)) throw wrong('a step is not complete');
  return plan as Plan;
}

function isTextMap(value: unknown): value is Record<string, string> {
  return isMap(value) && Object.values(value).every((it) => typeof it === 'string');
}

function isStep(value: unknown): value is PlanStep {
  if (!isMap(value)) return false;
  const { line, cmd, key, preconditions } = value;
  return (
    typeof line === 'number' &&
    typeof cmd === 'string' &&
    typeof key === 'string' &&
    Array.isArray(preconditions) &&
    preconditions.every(isPrecondition)
  );
}

function isPrecondition(value: unknown): value is Precondition {
  if (!isMap(value)) return false;
  const { kind, name, objectId, path, sizeBytes, mtimeMs } = value;
  if (kind === 'object')
    return typeof name === 'string' && (objectId === null || typeof objectId === 'string');
  const known = [sizeBytes, mtimeMs].every((it) => it === null || typeof it === 'number');
  return kind === 'file' && typeof path === 'string' && known;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws `precondition-failed` when the script means something else here, or anything that a step found is not so any more. */
export async function checkPlan(
  plan: Plan,
  commands: readonly ParsedCommand[],
  host: Surroundings,
): Promise<void> {
  const keys = stepKeys(commands);
  const other = plan.steps.findIndex(({ key }, at) => key !== keys[at]);
  if (other >= 0 || keys.length !== plan.steps.length) {
    throw new DatameshError('precondition-failed', {
      what: `step ${Math.max(other, 0) + 1} of the plan is another command here: ${plan.steps[other]?.cmd ?? 'the script has other steps'}`,
      why: 'the plan was changed, or a variable of the environment has another value',
      mend: 'make a new plan',
    });
  }
  const moved: { line: number; what: string }[] = [];
  for (const [at, parsed] of commands.entries()) {
    const { line, preconditions } = plan.steps[at]!;
    const now = await found(parsed, host);
    for (const [i, before] of preconditions.entries()) {
      if (JSON.stringify(now[i]) !== JSON.stringify(before)) moved.push({ line, what: nameOf(before) });
    }
  }
  if (moved.length === 0) return;
  throw new DatameshError('precondition-failed', {
    what: `${moved.length === 1 ? 'something has' : `${moved.length} things have`} changed since the plan was made: ${moved
      .slice(0, TOLD)
      .map(({ line, what }) => `${what} (line ${line})`)
      .join(', ')}`,
    mend: 'look at what has changed and make a new plan; nothing was run',
    details: { moved: moved.slice(0, TOLD) },
  });
}

const nameOf = (it: Precondition) => (it.kind === 'object' ? `'${it.name}'` : it.path);

/** What a step that leaves something behind looks at: the objects and files it names. Patterns name nothing by themselves. */
async function found(parsed: ParsedCommand, host: Surroundings): Promise<Precondition[]> {
  const { command, values, options } = parsed;
  if (!leavesTraces(command) || options.help) return [];
  const names = new Set(command.touches?.(values) ?? []);
  const paths = new Set<string>();
  for (const { name, type } of [...command.args, ...command.options]) {
    const given = [values[name] ?? []].flat().map(String);
    for (const text of given) {
      if (type?.kind === 'object' && !/[*?{]/.test(text)) names.add(text);
      if (type?.kind === 'path' && text !== '-') paths.add(resolve(host.cwd, text));
    }
  }
  const list: Precondition[] = [];
  for (const name of names) list.push({ kind: 'object', name, objectId: await idOf(name, host) });
  for (const path of paths) {
    const file = await stat(path).catch(() => undefined);
    const known = file?.isFile() === true ? file : undefined;
    list.push({ kind: 'file', path, sizeBytes: known?.size ?? null, mtimeMs: known?.mtimeMs ?? null });
  }
  return list;
}

async function idOf(name: string, host: Surroundings): Promise<string | null> {
  try {
    return (await (await host.engine()).find(name)).objectId;
  } catch (error) {
    if (asDatameshError(error).code === 'not-found') return null;
    throw error;
  }
}
