import { describe, expect, it } from 'vitest';
import { createRegistry } from '../../src/commands/registry.ts';
import { parse } from '../../src/lang/parser.ts';
import { testCommand, testRegistry } from '../support/registry.ts';

const registry = testRegistry();
const env = { HOME: '/home/ann', EMPTY: '' };

function words(text: string, variables: Record<string, string> = {}): unknown[] {
  const { commands, diagnostics } = parse(text, { registry, variables, env });
  expect(diagnostics).toEqual([]);
  return commands.flatMap(({ values }) => [values.first, ...((values.rest as string[] | undefined) ?? [])]);
}

function problems(text: string, variables: Record<string, string> = {}): string[] {
  return parse(text, { registry, variables, env }).diagnostics.map(
    ({ span, code, message }) => `${span.line}:${span.column} ${code}: ${message}`,
  );
}

describe('words', () => {
  it.each([
    ['all a b', ['a', 'b']],
    ["all 'a b' c", ['a b', 'c']],
    ["all a'b c'd", ['ab cd']],
    [`all "say \\"hi\\"" '$X'`, ['say "hi"', '$X']],
    ['all a\\ b \\# \\$X', ['a b', '#', '$X']],
    ['all "a\\n\\t\\x41\\u{1f600}\\u00e9"', ['a\n\tA😀é']],
    ["all ''", ['']],
    ['all "" b', ['', 'b']],
    ['all a # comment', ['a']],
    ['all a#b', ['a#b']],
    ['all a\\\n  b', ['a', 'b']],
    ['all a\\\nb', ['ab']],
    ['all a\\\r\nb', ['ab']],
    ['all "a\nb"', ['a\nb']],
    ["all 'a;b' 'c && d' \"|\"", ['a;b', 'c && d', '|']],
    ['all ~/x ~ a~ "~/x"', ['/home/ann/x', '/home/ann', 'a~', '~/x']],
    ['all 日本 naïve', ['日本', 'naïve']],
    ['all 5$ $', ['5$', '$']],
    ['datamesh all a', ['a']],
    ['\ufeffall a', ['a']],
  ])('%j', (text, expected) => expect(words(text)).toEqual(expected));
});

describe('variables', () => {
  it.each([
    ['all $A', ['1 2']],
    ['all x${A}y', ['x1 2y']],
    ['all "$A"', ['1 2']],
    ['all ${NONE:-x}', ['x']],
    ['all ${NONE:-}', ['']],
    ['all ${E:-filled}', ['filled']],
    ['all ${env:HOME}', ['/home/ann']],
    ['all ${env:NONE:-d}', ['d']],
    ['all $O', ['; exit']],
    ['set B=x\nall $B', ['x']],
    ['set B = x\nall $B', ['x']],
    ["set B='x y'; all $B", ['x y']],
    ['set -d A=new\nall $A', ['1 2']],
    ['set -d B=new\nall $B', ['new']],
    ['set A=new\nall $A', ['new']],
    ['set A=$A!\nall $A', ['1 2!']],
  ])('%j', (text, expected) => expect(words(text, { A: '1 2', E: '', O: '; exit' })).toEqual(expected));

  it('hands the variables on', () => {
    const { variables } = parse('set X=1\nset Y=$X$X', { registry, env });
    expect(variables).toEqual({ X: '1', Y: '11' });
  });

  it('leaves those given from outside as they are', () => {
    const { commands } = parse('set X=script\nall $X', {
      registry,
      env,
      variables: { X: 'outside' },
      fixed: new Set(['X']),
    });
    expect(commands[0]?.values.first).toBe('outside');
  });

  it('reports unset ones with a near name', () => {
    const { diagnostics, commands } = parse('all $NAMA', { registry, env, variables: { NAME: 'x' } });
    expect(diagnostics).toMatchObject([
      {
        code: 'unset-variable',
        message: "variable 'NAMA' is not set",
        suggestions: ['$NAME'],
        span: { line: 1, column: 5 },
      },
    ]);
    expect(commands).toEqual([]);
  });

  it('bounds what doubles line by line', () => {
    const { diagnostics } = parse(`set A=xxxxxxxx\n${'set A=$A$A\n'.repeat(40)}`, { registry, env });
    expect(diagnostics[0]).toMatchObject({ code: 'input-too-large', span: { line: 14 } });
  });

  it('does not look into the prototype', () => {
    expect(problems('all $constructor $__proto__')).toHaveLength(2);
  });
});

describe('redirections', () => {
  it('take a file, behind filters too', () => {
    const redirects = (text: string) => {
      const { commands, diagnostics } = parse(text, { registry, env, variables: { F: 'out file' } });
      expect(diagnostics).toEqual([]);
      return commands.map(({ redirect }) => redirect);
    };
    expect(redirects('plain > a && plain')).toEqual([{ path: 'a', append: false }, undefined]);
    expect(redirects('plain | head 3 >> $F')).toEqual([{ path: 'out file', append: true }]);
    expect(redirects('plain | where rtt > 5 > rows')).toEqual([{ path: 'rows', append: false }]);
    expect(redirects('plain | where rtt >= 5')).toEqual([undefined]);
  });
});

describe('a command that takes its line', () => {
  const own = createRegistry([
    testCommand({
      path: ['time'],
      takesLine: true,
      args: [{ name: 'line', type: { kind: 'string' }, summary: 'line', required: true }],
    }),
    testCommand({ path: ['plain'] }),
  ]);

  it('has all of it, operators and filters and variables, to the end of the line', () => {
    const text = 'plain; time plain $X | head 3 && "plain" > a\nplain';
    const { commands, diagnostics } = parse(text, { registry: own });
    expect(diagnostics).toEqual([]);
    expect(commands.map(({ command, values }) => [command.path[0], values.line])).toEqual([
      ['plain', undefined],
      ['time', 'plain $X | head 3 && "plain" > a'],
      ['plain', undefined],
    ]);
  });

  it('says that it needs one, and shows its help', () => {
    expect(parse('time', { registry: own }).diagnostics[0]).toMatchObject({ code: 'missing-argument' });
    expect(parse('time --help', { registry: own }).commands[0]?.options.help).toBe(true);
  });
});

describe('lists', () => {
  const shape = (text: string) =>
    parse(text, { registry, env }).commands.map(({ when, text: own }) => [when, own]);

  it('keeps how commands hang together, and their text', () => {
    expect(shape('all a && all b || plain ; plain\nplain')).toEqual([
      ['always', 'all a'],
      ['and', 'all b'],
      ['or', 'plain'],
      ['always', 'plain'],
      ['always', 'plain'],
    ]);
  });

  it('goes on in the next line after an operator', () => {
    expect(shape('plain &&\n  all a')).toEqual([
      ['always', 'plain'],
      ['and', 'all a'],
    ]);
  });

  it('gives the place of each command', () => {
    const { commands } = parse('plain\r\n# x\r\n  all a ; plain', { registry, env });
    expect(commands.map(({ span }) => [span.line, span.column])).toEqual([
      [1, 1],
      [3, 3],
      [3, 11],
    ]);
  });

  it.each([
    ['; plain', "1:1 syntax: nothing stands before ';'"],
    ['plain && && plain', "1:10 syntax: nothing stands before '&&'"],
    ['plain &&', "1:7 syntax: nothing follows '&&'"],
    ['plain &', "1:7 syntax: '&' may only end a line of the console"],
    ['plain >', "1:7 syntax: no file follows '>'"],
    ['plain > a b', '1:11 syntax: a redirection takes one file'],
    ['plain > a > b', "1:11 syntax: '>' cannot follow a redirection"],
    ['plain > a | head', "1:11 syntax: '|' cannot follow a redirection"],
    ['> a', "1:1 syntax: nothing stands before '>'"],
    ['plain |', "1:7 syntax: nothing follows '|'"],
    ['plain | grpe x', "1:9 unknown-command: unknown filter 'grpe'"],
    ['plain | constructor', "1:9 unknown-command: unknown filter 'constructor'"],
    ["plain\nall 'x", "2:5 syntax: the quote ' is not closed"],
    [
      'plain && set X=1',
      "1:10 syntax: 'set' is applied when the text is read and cannot hang on another command",
    ],
    ['all "\\q"', "1:6 syntax: unknown escape '\\q'"],
    ['all ${', "1:5 syntax: '${' is not closed"],
    ['all ${a b}', '1:5 syntax: ${a b} names no variable'],
    ['all $?', '1:5 unset-variable: $? is known only in the console, after a command has run'],
  ])('%j is refused', (text, expected) => expect(problems(text)).toEqual([expected]));

  it('lists every mistake, in order', () => {
    expect(problems('plian\nall\nall x --sizze 3\nall "open\nkeys lits')).toEqual([
      "1:1 unknown-command: unknown command 'plian'",
      "2:4 missing-argument: 'all' needs FIRST",
      "3:7 unknown-option: unknown option '--sizze' for 'all'",
      '4:5 syntax: the quote " is not closed',
      "5:6 unknown-command: unknown command 'keys lits'",
    ]);
  });

  it.each(['all "x', "all 'x\ny", 'all x\\', 'plain &&', 'plain |'])('%j is incomplete', (text) => {
    expect(parse(text, { registry, env }).incomplete).toBe(true);
  });

  it.each(['all x', '', '# c', 'plian', 'plain;'])('%j is complete', (text) => {
    expect(parse(text, { registry, env }).incomplete).toBe(false);
  });
});

describe('filters', () => {
  it.each([
    ['plain | head 5', [{ kind: 'head', count: 5 }]],
    ['plain | head', [{ kind: 'head', count: 10 }]],
    [
      'plain | where rtt > 100 | count',
      [{ kind: 'where', column: 'rtt', comparison: '>', value: '100' }, { kind: 'count' }],
    ],
    ['plain | where rtt>=100', [{ kind: 'where', column: 'rtt', comparison: '>=', value: '100' }]],
    ['plain | where rtt >= 100', [{ kind: 'where', column: 'rtt', comparison: '>=', value: '100' }]],
    ['plain | where rtt<100', [{ kind: 'where', column: 'rtt', comparison: '<', value: '100' }]],
    ["plain | where name = 'a b'", [{ kind: 'where', column: 'name', comparison: '=', value: 'a b' }]],
    ['plain | sort x -r', [{ kind: 'sort', column: 'x', reverse: true }]],
    ['plain | cols a,b', [{ kind: 'cols', columns: ['a', 'b'] }]],
    ['plain | grep -i -v x', [{ kind: 'grep', pattern: /x/iu, invert: true }]],
    ['plain | json', [{ kind: 'json' }]],
  ])('%j', (text, expected) => {
    const { commands, diagnostics } = parse(text, { registry, env });
    expect(diagnostics).toEqual([]);
    expect(commands[0]?.filters).toEqual(expected);
  });

  it.each([
    'plain | head x',
    'plain | sort',
    'plain | where a',
    'plain | grep (',
    'plain | cols',
    'plain | count 3',
    'plain | where a ~ (',
  ])('%j is refused', (text) => expect(problems(text)).toHaveLength(1));
});
