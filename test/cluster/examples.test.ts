/**
 * D.9-46: every example of every command's help is run, against real nodes, and ends as it should; what it yields as records is what the command's
 * published schema says (D.9-39). Those that cannot be run as they stand are named, with the reason, in test/examples/cases.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isConsoleCommand } from '../../src/commands/console/port.ts';
import { createRunner } from '../../src/console/runner.ts';
import { CASES, NOT_RUN, SHORTER } from '../examples/cases.ts';
import { type ExampleHome, openScene, plainLine, type Ran, type Scene } from '../examples/scene.ts';
import { root, stockMesh, writeFiles } from '../examples/stock.ts';
import { quietPort } from '../support/quiet-port.ts';
import { realRegistry } from '../support/registry.ts';
import { schemaProblem } from '../support/schemas.ts';

/** A service that starts and stops on a busy machine. */
const EXAMPLE_MS = 90_000;

const registry = realRegistry();
const commands = registry.commands.filter(({ path }) => path.join(' ') !== '__complete');
/**
 * The jobs that examples of `jobs` show come from what is run before them; a pool is made before it is looked at; a cleanup wants an answer of every node
 * that was ever met, and some examples start nodes and end them again.
 */
const ordered = [...commands].sort((a, b) => rank(a.path) - rank(b.path));
function rank(path: readonly string[]): number {
  if (['pool create', 'cleanup'].includes(path.join(' '))) return 0;
  return path[0] === 'jobs' ? 2 : 1;
}

let moved = 0;
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await writeFiles(scene.home);
  await stockMesh(scene);
}, EXAMPLE_MS);
afterAll(() => scene?.close(), EXAMPLE_MS);

/** Absolute paths of an example lie below a folder of the test. */
const below = (line: string, home: ExampleHome) =>
  line.replace(/(?<=[\s='])\/(tmp|srv|home|mnt)\b/g, `${root(home)}/$1`);

async function runExample(line: string): Promise<Ran> {
  const given = CASES[line] ?? {};
  const needsOwn = /^(keys|config|init|service) /.test(line.replace(/^datamesh /, ''))
    ? 'configured'
    : undefined;
  const kind = given.home ?? needsOwn;
  const home = kind === undefined ? scene.home : await scene.newHome(kind);
  const setting = { scene, home, line: below(line, home) };
  let text = (await given.before?.(setting)) ?? setting.line;
  for (const [of, from, to] of SHORTER) if (of === line) text = text.replace(from, to);
  const stdin = await given.stdin?.(setting);
  const options = { stdin, stopAfterMs: given.stopAfterMs };
  // A service is a process of its own; so is whatever stands beside us in a pipe.
  const ownProcess = !plainLine(text) || /^(datamesh )?(service|batch)\b/.test(text);
  try {
    return ownProcess ? await scene.shell(home, text, options) : await scene.run(home, text, options);
  } finally {
    if (/^(datamesh )?service\b/.test(text)) await scene.shell(home, 'datamesh service stop --quiet');
  }
}

describe.each(ordered.map((command) => [command.path.join(' '), command] as const))(
  '%s',
  (_name, command) => {
    const lines = command.examples.map(({ line }) => line);
    it.each(lines.filter((line) => NOT_RUN[line] === undefined && !isConsoleCommand(command)))(
      '%s',
      async (line) => {
        const { status, stdout, stderr, records } = await runExample(line);
        expect(status, `${stdout.slice(0, 2000)}\n${stderr}`).toBe(CASES[line]?.status ?? 0);
        const problems = records.map(({ command: by, record }) =>
          schemaProblem(by.replaceAll(' ', '-'), record),
        );
        // What a process of its own prints is judged as it stands; chosen fields are no whole records.
        if (records.length === 0 && / --json( |$)/.test(line) && command.path[0] !== 'man') {
          for (const text of stdout.split('\n').filter((each) => each.startsWith('{')))
            problems.push(schemaProblem(command.path.join('-'), JSON.parse(text)));
        }
        expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
      },
      EXAMPLE_MS,
    );

    for (const line of lines) {
      const reason = NOT_RUN[line];
      if (reason !== undefined) it.skip(`${line} (${reason})`, () => {});
    }

    if (isConsoleCommand(command)) {
      it.each(lines)(
        '%s (in a console)',
        async (line) => {
          const { runner, errors } = consoleRunner();
          const ends = new AbortController();
          if (line.startsWith('watch')) setTimeout(() => ends.abort(), 500);
          if (line.startsWith('undo')) {
            for (const change of ['put report.pdf', `rename report.pdf moved-${moved++}.pdf`])
              expect((await runner.run(change, ends.signal)).exit, errors.join()).toBe(0);
          }
          const { exit } = await runner.run(line, ends.signal);
          const ended = line.startsWith('watch')
            ? { errors: ['cancelled'], exit: 130 }
            : { errors: [], exit: 0 };
          expect({ errors, exit }).toEqual(ended);
        },
        EXAMPLE_MS,
      );
    }
  },
);

describe('the lists of exceptions', () => {
  it('name only examples that exist', () => {
    const known = new Set(commands.flatMap(({ examples }) => examples.map(({ line }) => line)));
    const named = [...Object.keys(CASES), ...Object.keys(NOT_RUN), ...SHORTER.map(([line]) => line)];
    expect(named.filter((line) => !known.has(line))).toEqual([]);
  });
});

function consoleRunner() {
  const errors: string[] = [];
  const runner = createRunner({
    registry,
    env: scene.home.env,
    port: quietPort(() => [{ t: 0, cmd: 'put a.txt', exit: 0 }]),
    host: () => ({
      cwd: scene.home.cwd,
      env: scene.home.env,
      width: 80,
      stdin: () => {
        throw new Error('a console has no standard input');
      },
      config: async () => {
        throw new Error('not asked for');
      },
      configPath: () => scene.home.configPath,
      engine: async () => scene.engine,
      service: async () => scene.engine,
      confirm: async () => true,
      secret: async () => undefined,
    }),
    output: () => ({
      record() {},
      note() {},
      warn() {},
      async bytes() {},
      progress() {},
      error: (error) => void errors.push(error.message),
      async end() {},
    }),
    diagnostic: (text) => void errors.push(text),
  });
  return { runner, errors };
}
