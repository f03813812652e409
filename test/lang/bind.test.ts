import { describe, expect, it } from 'vitest';
import { parseArgv, quoteWord } from '../../src/lang/argv.ts';
import { parse } from '../../src/lang/parser.ts';
import { realRegistry, testRegistry } from '../support/registry.ts';

const registry = testRegistry();

function values(...argv: string[]) {
  const { commands, diagnostics } = parseArgv(argv, registry);
  expect(diagnostics).toEqual([]);
  return commands[0]?.values;
}

function problems(...argv: string[]) {
  return parseArgv(argv, registry).diagnostics.map(({ code, message, suggestions }) => [
    code,
    message,
    ...suggestions,
  ]);
}

describe('options', () => {
  it('reads every type', () => {
    expect(
      values(
        'all',
        'x',
        '--size',
        '10GiB',
        '--wait=1h30m',
        '--code',
        '4+2',
        '--color-of',
        'green',
        '--number=3',
        '--to',
        '/ip4/1.2.3.4/tcp/1',
      ),
    ).toEqual({
      first: 'x',
      rest: [],
      size: 10 * 2 ** 30,
      wait: 5_400_000,
      code: { k: 4, m: 2 },
      'color-of': 'green',
      number: 3,
      to: '/ip4/1.2.3.4/tcp/1',
    });
  });

  it.each([
    [['-fa', 'x'], { force: true, all: true }],
    [['-fn7', 'x'], { force: true, number: 7 }],
    [['-n', '7', 'x'], { number: 7 }],
    [['-n=7', 'x'], { number: 7 }],
    [['x', '--force=false'], { force: false }],
    [['-t', 'a', 'x', '--tag=b', '-tc'], { tag: ['a', 'b', 'c'] }],
    [['--tag=', 'x'], { tag: [''] }],
    [['--tag', '-', 'x'], { tag: ['-'] }],
  ])('%j', (argv, expected) => expect(values('all', ...argv)).toMatchObject({ first: 'x', ...expected }));

  it('takes what follows -- as it is', () => {
    expect(values('all', '--', '--force', '-n')).toMatchObject({ first: '--force', rest: ['-n'] });
    expect(values('all', '-f', '--', 'x', '--')).toMatchObject({ force: true, first: 'x', rest: ['--'] });
  });

  it('takes a lone dash and negative numbers as values', () => {
    expect(values('all', '-', '-5')).toMatchObject({ first: '-', rest: ['-5'] });
  });

  it('sets what was not given to its default, else leaves it out', () => {
    expect(values('all', 'x')).toEqual({ first: 'x', rest: [], 'color-of': 'red' });
  });

  it('knows the options of all commands, before and after the command', () => {
    const { commands } = parseArgv(['--json', 'all', 'x', '-qy', '--timeout', '5s', '--dry-run'], registry);
    expect(commands[0]?.options).toMatchObject({
      json: true,
      quiet: true,
      yes: true,
      timeoutMs: 5000,
      dryRun: true,
      verbose: false,
    });
    expect(parseArgv(['plain', '--json=a,b'], registry).commands[0]?.options).toMatchObject({
      json: true,
      columns: ['a', 'b'],
    });
    expect(parseArgv(['plain', '--json=false'], registry).commands[0]?.options).toMatchObject({
      json: true,
      columns: ['false'],
    });
  });

  it.each([
    [
      ['all', 'x', '--sise', '3'],
      ['unknown-option', "unknown option '--sise' for 'all'", '--size'],
    ],
    [
      ['plain', '--jsno'],
      ['unknown-option', "unknown option '--jsno' for 'plain'", '--json'],
    ],
    [
      ['all', 'x', '-z'],
      ['unknown-option', "unknown option '-z' for 'all'"],
    ],
    [
      ['all', 'x', '--size'],
      ['missing-argument', "option '--size' needs a value"],
    ],
    [
      ['all', 'x', '--size', '--force'],
      ['missing-argument', "option '--size' needs a value"],
    ],
    [
      ['all', 'x', '--size', 'big'],
      ['bad-value', "'big' is no size for '--size'"],
    ],
    [
      ['all', 'x', '--wait', '10'],
      ['bad-value', "'10' is no duration for '--wait'"],
    ],
    [
      ['all', 'x', '--code', '4-2'],
      ['bad-value', "'4-2' is no code for '--code'"],
    ],
    [
      ['all', 'x', '--code', '200+56'],
      ['bad-value', "'200+56' is no code for '--code'"],
    ],
    [
      ['all', 'x', '--color-of', 'gren'],
      ['bad-value', "'gren' is not a choice for '--color-of'", 'green'],
    ],
    [
      ['all', 'x', '-n', '10'],
      ['bad-value', "'-n' is at most 9, not 10"],
    ],
    [
      ['all', 'x', '-n', '0'],
      ['bad-value', "'-n' is at least 1, not 0"],
    ],
    [
      ['all', 'x', '-n', '1.5'],
      ['bad-value', "'1.5' is no whole number for '-n'"],
    ],
    [
      ['all', 'x', '--to', 'example.org'],
      ['bad-value', "'example.org' is no address for '--to'"],
    ],
    [
      ['all', 'x', '--force=maybe'],
      ['bad-value', "option '--force' takes no value"],
    ],
    [
      ['all', 'x', '-n1', '-n2'],
      ['bad-value', "option '-n' is given twice"],
    ],
    [['all'], ['missing-argument', "'all' needs FIRST"]],
    [
      ['plain', 'x'],
      ['bad-value', "'plain' takes no argument; 'x' is too many"],
    ],
    [
      ['keys', 'new', 'a', 'b'],
      ['bad-value', "'keys new' takes one argument; 'b' is too many"],
    ],
    [['keys'], ['missing-argument', "'keys' needs a command after it"]],
    [
      ['keys', 'lsit'],
      ['unknown-command', "unknown command 'keys lsit'", 'list'],
    ],
    [
      ['service', 'strat'],
      ['unknown-command', "unknown command 'service strat'", 'start'],
    ],
    [
      ['jobs', 'lst'],
      ['unknown-command', "unknown command 'jobs lst'", 'list'],
    ],
    [
      ['jobs', 'foo'],
      ['unknown-command', "unknown command 'jobs foo'"],
    ],
    [
      ['jobs', 'list', 'foo'],
      ['bad-value', "'jobs list' takes no argument; 'foo' is too many"],
    ],
    [['plian'], ['unknown-command', "unknown command 'plian'", 'plain']],
    [['secrte'], ['unknown-command', "unknown command 'secrte'"]],
    [['xyzzy'], ['unknown-command', "unknown command 'xyzzy'"]],
    [[], ['missing-argument', 'a command is missing']],
    [['keys list'], ['unknown-command', "unknown command 'keys list'"]],
  ])('%j is refused', (argv, expected) => expect(problems(...argv)).toEqual([expected]));

  it('lists what is known where nothing is near, also below words that are a command themselves', () => {
    for (const group of ['keys', 'jobs'])
      expect(parseArgv([group, 'xyzzy'], registry).diagnostics).toMatchObject([
        { code: 'unknown-command', mend: expect.stringMatching(/^one of list, /) },
      ]);
  });

  it.each([
    [['put', '-dash.txt'], "see 'put --help'; a file of that name is ./-dash.txt, or comes after --"],
    [['get', '-xyz'], "see 'get --help'; a name that begins so comes after --"],
    [['info', '--xyzzy.txt'], "see 'info --help'; a name that begins so comes after --"],
    [['status', '--xyzzy'], "see 'status --help'"],
  ])('%j says how a name with a dash in front is given', (argv, mend) => {
    const { diagnostics } = parseArgv(argv, realRegistry());
    expect(diagnostics[0]).toMatchObject({ code: 'unknown-option', mend });
  });

  it.each<[string, string]>([
    ['health --every 5s', '--every needs --continuous'],
    ['bandwidth --duration 5s', '--duration needs --test-peer'],
    ['bandwidth --duration=10s', '--duration needs --test-peer'],
    ['pool show --failures 5', '--failures needs --durability'],
    ['pool show x --check --stripes 2', '--stripes needs --durability'],
    ['pool create p --dir-quota 5GiB', '--dir-quota needs --dir'],
    ['pool set p --adopt', '--adopt needs --dir'],
    ['pool set p --no-compress --compress', '--compress and --no-compress exclude each other'],
    ['config generate --schema --document', '--schema and --document exclude each other'],
    ['config generate --document --name x', '--document and --name exclude each other'],
  ])('%s is refused: %s', (line, message) => {
    const { commands, diagnostics } = parseArgv(line.split(' '), realRegistry());
    expect(commands).toEqual([]);
    expect(diagnostics).toMatchObject([{ code: 'bad-value', message, mend: expect.any(String) }]);
  });

  it.each([
    'health --continuous --every 5s',
    'health',
    'bandwidth --test-peer x --duration 5s',
    'pool show --durability --failures 9 --stripes 2',
    'pool show',
    'pool create p --dir a --dir b --dir-quota 5GiB --adopt',
    'pool create p --no-compress',
    'config generate --schema',
    'config generate --name x',
  ])('%s is taken', (line) => {
    expect(parseArgv(line.split(' '), realRegistry()).diagnostics).toEqual([]);
  });

  it('names an option and the one it is for in every command', () => {
    for (const { options } of realRegistry()
      .byGroup()
      .flatMap(({ commands }) => commands)) {
      const names = options.map(({ name }) => name);
      for (const { needs, excludes = [] } of options)
        for (const other of [...(needs === undefined ? [] : [needs]), ...excludes])
          expect(names).toContain(other);
    }
  });

  it('lists every problem of a line', () => {
    expect(problems('all', '--nope', '--size', 'x', '-n', 'y').map(([code]) => code)).toEqual([
      'unknown-option',
      'bad-value',
      'bad-value',
      'missing-argument',
    ]);
  });
});

describe('help', () => {
  it('needs no arguments and forgives mistakes', () => {
    for (const argv of [
      ['all', '--help'],
      ['all', '-h', '--nope'],
      ['--help', 'all'],
    ]) {
      const { commands, diagnostics } = parseArgv(argv, registry);
      expect(diagnostics).toEqual([]);
      expect(commands[0]).toMatchObject({ command: { path: ['all'] }, options: { help: true } });
    }
  });

  it('of words that only begin commands is the help command', () => {
    expect(parseArgv(['keys', '--help'], registry).commands[0]).toMatchObject({
      command: { path: ['help'] },
      values: { words: ['keys'] },
    });
    expect(parseArgv(['--help'], registry).commands[0]).toMatchObject({
      command: { path: ['help'] },
      values: { words: [] },
    });
    expect(problems('nonsense', '--help')).toHaveLength(1);
  });
});

describe('one-shot and language agree', () => {
  it.each([
    'a b',
    "it's",
    '"',
    '$X',
    'a;b',
    '',
    'new\nline',
    'tab\t',
    '\x1b[31m',
    '#x',
    '~',
    '~/x',
    '日本',
    '\\',
    '&&',
    '-',
    '--',
    '*',
    'a\u009b31m',
    "it's \u202etxt.exe\u200b\ud800",
  ])('a quoted %j comes back', (word) => {
    const { commands, diagnostics } = parse(`all -- ${quoteWord(word)}`, { registry, env: { HOME: '/h' } });
    expect(diagnostics).toEqual([]);
    expect(commands[0]?.values.first).toBe(word);
  });

  it('is written with an escape for what would act on a terminal or hide in it', () => {
    expect(quoteWord('a\u009b31m')).toBe('"a\\x9b31m"');
    expect(quoteWord('a\u202etxt.exe\u200b')).toBe('"a\\u{202e}txt.exe\\u{200b}"');
    expect(quoteWord('é 日本')).toBe("'é 日本'");
  });
});
