/** D.9-45: a command yields the same records one-shot, in a batch and in the console. */
import { describe, expect, it } from 'vitest';
import { runBatch } from '../../src/batch/batch.ts';
import { jsonReporter } from '../../src/batch/reporter.ts';
import type { Command, OutputRecord } from '../../src/commands/command.ts';
import { createRunner } from '../../src/console/runner.ts';
import { DEFAULT_FLAGS } from '../../src/lang/global-options.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';
import { quietPort } from '../support/quiet-port.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const engineOf = () =>
  createFakeEngine({
    objects: [
      { name: 'a', content: 'aaa' },
      { name: 'b', content: 'b' },
    ],
  });

/** A line that asks the engine for something that is there; undefined where it cannot be told from the declaration. */
function lineOf({ path, args }: Command): string[] | undefined {
  const words = args
    .filter(({ required }) => required)
    .map(({ type, variadic }) => (type.kind === 'object' && variadic !== true ? 'a' : undefined));
  // Nothing is to be written beside the tests.
  return words.includes(undefined) ? undefined : [...path, ...(words as string[]), '--json', '--dry-run'];
}

const lines = registry.commands
  .filter(({ effects, needs, fields }) => effects === 'reads' && needs === 'engine' && fields !== undefined)
  .flatMap((command) => {
    const line = lineOf(command);
    return line === undefined ? [] : [line];
  });

/** What a moment makes different: times, durations, rates. */
function steady(record: OutputRecord): unknown {
  return JSON.parse(
    JSON.stringify(record, (key, value) => (/(Ms|PerSecond|At)$/.test(key) ? typeof value : value)),
  );
}

async function oneShot(line: string[]) {
  const host = testHost({ engine: engineOf() });
  const status = await runLine(host, ...line);
  return { status, records: host.seen.records.map(steady) };
}

async function inBatch(line: string[]) {
  let out = '';
  const sink = { out: (text: string) => void (out += text), err: () => {}, drained: async () => {} };
  const status = await runBatch(line.join(' '), testHost({ engine: engineOf(), mode: 'batch' }), {
    registry,
    flags: DEFAULT_FLAGS,
    variables: {},
    env: {},
    file: '<stdin>',
    check: false,
    keepGoing: false,
    reporter: jsonReporter(sink),
    now: () => 0,
  });
  const told = out.split('\n').flatMap((text) => (text === '' ? [] : [JSON.parse(text)]));
  return { status, records: told.flatMap(({ type, data }) => (type === 'record' ? [steady(data)] : [])) };
}

async function inConsole(line: string[]) {
  const host = testHost({ engine: engineOf(), mode: 'repl' });
  const runner = createRunner({
    registry,
    env: {},
    port: quietPort(),
    host: () => host,
    output: (parsed) => host.output(parsed),
    diagnostic(text) {
      throw new Error(text);
    },
  });
  const { exit } = await runner.run(line.join(' '), new AbortController().signal);
  return { status: exit, records: host.seen.records.map(steady) };
}

describe('the same records', () => {
  it('are asked of most commands that read', () => expect(lines.length).toBeGreaterThan(15));

  it.each(lines.map((line) => [line.join(' '), line] as const))('%s', async (_name, line) => {
    const first = await oneShot(line);
    expect(await inBatch(line)).toEqual(first);
    expect(await inConsole(line)).toEqual(first);
  });
});
