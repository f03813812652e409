import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup } from '../support/cli.ts';

describe('--progress', () => {
  let setup: CliSetup;
  beforeAll(async () => {
    setup = await cliSetup({ delayMs: 150 });
  });
  afterAll(() => setup.close());

  it('json tells on standard error how far it is, with or without --json, and nothing else is told by default', async () => {
    const input = Buffer.alloc(300_000);
    for (const json of [[], ['--json']]) {
      const put = ['put', '-', '--name', 'x', ...json];
      const told = await setup.run([...put, '--progress', 'json'], { input });
      expect(told.status, told.stderr).toBe(0);
      const lines = told.stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines)
        expect(line).toMatchObject({ type: 'progress', label: 'put x', totalBytes: null });
      expect(lines.at(-1).doneBytes).toBeGreaterThan(0);
      expect(told.stdout).not.toContain('progress');
      expect((await setup.run(put, { input })).stderr).not.toContain('progress');
    }
  });
});
