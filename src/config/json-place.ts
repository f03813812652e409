/**
 * Where a text stops being JSON. JSON.parse says so in some messages and versions of V8 and not in others; this walks the
 * grammar (RFC 8259) only far enough to find the place, after JSON.parse has refused the text.
 */

export interface JsonPlace {
  /** Both from 1. */
  line: number;
  column: number;
  /** What stood there, for a person. */
  reason: string;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
/** Deeper than any configuration, and safe for the stack. */
const MAX_DEPTH = 200;

export function jsonErrorPlace(text: string): JsonPlace {
  const scanner = { text, at: 0 };
  const reason = value(scanner, 0) ?? end(scanner) ?? 'not valid JSON';
  const before = text.slice(0, scanner.at).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1, reason };
}

interface Scanner {
  text: string;
  at: number;
}

/** Each step moves on over what is right and returns what was wanted where it is not. */
function value(scanner: Scanner, depth: number): string | undefined {
  take(scanner, SPACE);
  if (depth > MAX_DEPTH) return 'nested too deep';
  const char = scanner.text[scanner.at];
  if (char === '{') return members(scanner, '}', depth);
  if (char === '[') return members(scanner, ']', depth);
  if (char === '"')
    return take(scanner, STRING) ? undefined : 'a string that does not end, or holds a raw control character';
  return take(scanner, SCALAR) ? undefined : found(scanner, 'a value');
}

function members(scanner: Scanner, close: '}' | ']', depth: number): string | undefined {
  scanner.at += 1;
  take(scanner, SPACE);
  if (literal(scanner, close)) return undefined;
  for (;;) {
    if (close === '}') {
      take(scanner, SPACE);
      if (!take(scanner, STRING)) return found(scanner, 'a key in double quotes');
      take(scanner, SPACE);
      if (!literal(scanner, ':')) return found(scanner, '":"');
    }
    const problem = value(scanner, depth + 1);
    if (problem !== undefined) return problem;
    take(scanner, SPACE);
    if (literal(scanner, close)) return undefined;
    if (!literal(scanner, ',')) return found(scanner, `"," or "${close}"`);
  }
}

function end(scanner: Scanner): string | undefined {
  take(scanner, SPACE);
  return scanner.at === scanner.text.length ? undefined : found(scanner, 'the end of the file');
}

function take(scanner: Scanner, pattern: RegExp): boolean {
  pattern.lastIndex = scanner.at;
  if (!pattern.test(scanner.text)) return false;
  scanner.at = pattern.lastIndex;
  return true;
}

function literal(scanner: Scanner, char: string): boolean {
  if (scanner.text[scanner.at] !== char) return false;
  scanner.at += 1;
  return true;
}

function found(scanner: Scanner, wanted: string): string {
  const char = scanner.text[scanner.at];
  return `expected ${wanted}, found ${char === undefined ? 'the end of the file' : JSON.stringify(char)}`;
}
