/** Text to words and operators. Words keep their variables unexpanded; every token and diagnostic knows its place. */
import type { SourceText } from './position.ts';
import type { Diagnostic, Span } from './types.ts';

export type WordPart =
  | { kind: 'text'; text: string }
  | { kind: 'variable'; name: string; fallback: string | undefined; span: Span };

export type Operator = ';' | '&&' | '||' | '|' | '>' | '>>' | '&';

export type Token =
  | { kind: 'word'; parts: WordPart[]; quoted: boolean; span: Span }
  | { kind: 'operator'; operator: Operator; span: Span }
  | { kind: 'newline'; span: Span };

export interface TokenizeResult {
  tokens: Token[];
  diagnostics: Diagnostic[];
  incomplete: boolean;
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', e: '\x1b', '0': '\0' };
const BARE_END = new Set([' ', '\t', '\n', '\r', ';', '|', '&', '>']);
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
/** What may stand in `${…}`: a name, `env:NAME`, `?` or `_`, then optionally `:-fallback`. */
const BRACED = /^(env:[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*|\?)(?::-([\s\S]*))?$/;

export function tokenize(source: SourceText): TokenizeResult {
  const { text } = source;
  const tokens: Token[] = [];
  const diagnostics: Diagnostic[] = [];
  let incomplete = false;
  let at = 0;

  const report = (start: number, end: number, message: string, mend: string) =>
    diagnostics.push({ code: 'syntax', message, suggestions: [], mend, span: source.span(start, end) });

  /** Length of the line end at `offset`, 0 when there is none. */
  function newlineAt(offset: number): number {
    if (text[offset] === '\n') return 1;
    if (text[offset] === '\r') return text[offset + 1] === '\n' ? 2 : 1;
    return 0;
  }

  // Asked again and again by a text full of `${`; remembered, so that the time stays linear.
  let lineEnd = -1;
  let brace = -1;

  function endOfLine(from: number): number {
    if (lineEnd < from) {
      lineEnd = from;
      while (lineEnd < text.length && newlineAt(lineEnd) === 0) lineEnd++;
    }
    return lineEnd;
  }

  /** Offset of the next `}`; the text's length when there is none. */
  function closingBrace(from: number): number {
    if (brace < from) {
      const found = text.indexOf('}', from);
      brace = found < 0 ? text.length : found;
    }
    return brace;
  }

  /** Reads `$…` at `at`; a dollar sign that starts no variable is itself. */
  function variable(): WordPart {
    const start = at++;
    const next = text[at];
    if (next === '?') {
      at++;
      return { kind: 'variable', name: '?', fallback: undefined, span: source.span(start, at) };
    }
    if (next === '{') {
      const close = closingBrace(at);
      if (close >= endOfLine(at)) {
        at = Math.min(at + 1, text.length);
        report(
          start,
          at,
          "'${' is not closed",
          "write '}' after the variable's name, or \\$ for a dollar sign",
        );
        return { kind: 'text', text: '' };
      }
      const match = BRACED.exec(text.slice(at + 1, close));
      at = close + 1;
      const name = match?.[1];
      if (name === undefined) {
        report(
          start,
          at,
          `${text.slice(start, at)} names no variable`,
          `write \${NAME}, \${NAME:-default} or \${env:NAME}`,
        );
        return { kind: 'text', text: '' };
      }
      return { kind: 'variable', name, fallback: match?.[2], span: source.span(start, at) };
    }
    NAME.lastIndex = at;
    const name = NAME.exec(text)?.[0];
    if (name === undefined) return { kind: 'text', text: '$' };
    at += name.length;
    return { kind: 'variable', name, fallback: undefined, span: source.span(start, at) };
  }

  /** Reads the escape after the backslash at `at` inside double quotes. */
  function doubleQuotedEscape(): string {
    const start = at++;
    const char = text[at];
    if (char === undefined) return '';
    const newline = newlineAt(at);
    if (newline > 0) {
      at += newline;
      return '';
    }
    const hex = /^(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4}))/.exec(
      text.slice(at, at + 10),
    );
    if (hex) {
      at += hex[0].length;
      const point = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '0', 16);
      if (point <= 0x10ffff) return String.fromCodePoint(point);
      report(start, at, `${text.slice(start, at)} is no character`, 'Unicode ends at \\u{10ffff}');
      return '';
    }
    at++;
    const known = ESCAPES[char];
    if (known !== undefined) return known;
    if (!'"\\$`\''.includes(char)) {
      report(
        start,
        at,
        `unknown escape '\\${char}'`,
        'write \\\\ for a backslash; known are \\n \\t \\r \\e \\xHH \\u{…} \\" \\$',
      );
    }
    return char;
  }

  function word(): void {
    const start = at;
    const parts: WordPart[] = [];
    let quoted = false;
    const push = (part: WordPart) => {
      const last = parts.at(-1);
      if (part.kind === 'text' && last?.kind === 'text') last.text += part.text;
      else parts.push(part);
    };
    if (
      text[at] === '~' &&
      (text[at + 1] === '/' || at + 1 >= text.length || BARE_END.has(text[at + 1] as string))
    ) {
      parts.push({ kind: 'variable', name: 'env:HOME', fallback: undefined, span: source.span(at, ++at) });
    }
    while (at < text.length) {
      const char = text[at] as string;
      if (BARE_END.has(char)) break;
      if (char === '\\') {
        const newline = newlineAt(at + 1);
        if (newline > 0) {
          at += 1 + newline;
          continue;
        }
        if (at + 1 >= text.length) {
          incomplete = true;
          report(
            at,
            at + 1,
            'the text ends in a backslash',
            'go on in the next line, or write \\\\ for a backslash',
          );
          at++;
          continue;
        }
        const escaped = String.fromCodePoint(text.codePointAt(at + 1) ?? 0);
        push({ kind: 'text', text: escaped });
        at += 1 + escaped.length;
      } else if (char === "'") {
        quoted = true;
        const close = text.indexOf("'", at + 1);
        if (close < 0) {
          unclosed(at, "'");
          break;
        }
        push({ kind: 'text', text: text.slice(at + 1, close) });
        at = close + 1;
      } else if (char === '"') {
        quoted = true;
        const open = at++;
        while (at < text.length && text[at] !== '"') {
          if (text[at] === '\\') push({ kind: 'text', text: doubleQuotedEscape() });
          else if (text[at] === '$') push(variable());
          else push({ kind: 'text', text: text[at++] as string });
        }
        if (text[at] !== '"') {
          unclosed(open, '"');
          break;
        }
        at++;
      } else if (char === '$') {
        push(variable());
      } else {
        push({ kind: 'text', text: char });
        at++;
      }
    }
    if (parts.length > 0 || quoted)
      tokens.push({ kind: 'word', parts, quoted, span: source.span(start, at) });
  }

  /** Reports the quote at `open` and goes on at the end of its line, so that later mistakes are found too. */
  function unclosed(open: number, quote: string): void {
    incomplete = true;
    report(
      open,
      open + 1,
      `the quote ${quote} is not closed`,
      `write ${quote} where the text ends, or \\${quote} for the character`,
    );
    at = endOfLine(open);
  }

  if (text.charCodeAt(0) === 0xfeff) at = 1;
  while (at < text.length) {
    const char = text[at] as string;
    const newline = newlineAt(at);
    if (newline > 0) {
      tokens.push({ kind: 'newline', span: source.span(at, at + newline) });
      at += newline;
    } else if (char === ' ' || char === '\t') {
      at++;
    } else if (char === '\\' && newlineAt(at + 1) > 0) {
      at += 1 + newlineAt(at + 1);
    } else if (char === '#') {
      at = endOfLine(at);
    } else if (BARE_END.has(char)) {
      const two = text.slice(at, at + 2);
      const operator = (two === '&&' || two === '||' || two === '>>' ? two : char) as Operator;
      tokens.push({ kind: 'operator', operator, span: source.span(at, at + operator.length) });
      at += operator.length;
    } else {
      word();
    }
  }
  return { tokens, diagnostics, incomplete };
}
