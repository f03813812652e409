/** A mesh too small: every command is told what its own options can change, and of no other's. */
import { expect, it } from 'vitest';
import { withOwnMends } from '../../src/commands/too-few-nodes.ts';
import { DatameshError } from '../../src/errors.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';
import { realRegistry } from '../support/registry.ts';

const tooFew = (details: Record<string, unknown>) =>
  new DatameshError('too-few-nodes', { what: 'arithmetic', mend: 'connect more nodes', details });
const ofThree = tooFew({ wanted: 6, domain: 'node', domains: 3 });
const mendFor = (line: string, error: DatameshError) =>
  withOwnMends(realRegistry().find(line.split(' '))!.command, error).mend;

const SMALLER = 'choose a smaller code (--code 2+1 needs 3)';
const OTHER_POOL = 'name a pool with a smaller code with --pool (2+1 needs 3)';
const DEGRADED = 'go on all the same with --allow-degraded';

it.each([
  ['put', `connect more nodes, or ${SMALLER}, or ${DEGRADED}`],
  ['pool create', `connect more nodes, or ${SMALLER}, or ${DEGRADED}`],
  ['backup', `connect more nodes, or ${OTHER_POOL}, or ${DEGRADED}`],
  ['benchmark', `connect more nodes, or ${OTHER_POOL}`],
  ['duplicate', 'connect more nodes'],
])('%s', (line, mend) => {
  expect(mendFor(line, ofThree)).toBe(mend);
});

it('names no option that a command does not have, and a smaller code only where it fits', () => {
  for (const { options, path } of realRegistry().commands) {
    const offered = mendFor(path.join(' '), ofThree)!.match(/--[a-z-]+/g) ?? [];
    const known = options.map(({ name }) => `--${name}`);
    expect(known, path.join(' ')).toEqual(expect.arrayContaining(offered));
  }
  for (const details of [
    { wanted: 6, domain: 'node', domains: 2 },
    { wanted: 3, domain: 'node', domains: 3 },
    { wanted: 14, domain: 'zone', domains: 3 },
  ])
    expect(mendFor('put', tooFew(details))).toBe(`connect more nodes, or ${DEGRADED}`);
});

it('is what a run of the command tells; other errors are told as they are', async () => {
  const host = testHost({ engine: createFakeEngine({ fail: { put: ofThree } }) });
  expect(await runLine(host, 'benchmark', '--iterations', '1')).toBe(5);
  expect(host.seen.errors).toMatchObject([
    { message: 'arithmetic', mend: `connect more nodes, or ${OTHER_POOL}`, details: { wanted: 6 } },
  ]);
  const other = new DatameshError('too-few-nodes', { what: 'of the demo' });
  expect(withOwnMends(realRegistry().find(['put'])!.command, other)).toBe(other);
});
