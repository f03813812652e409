/** A one-shot command line: the shell has split it already, so only the binder is at work. */
import type { Registry } from '../commands/registry.ts';
import { bind } from './bind.ts';
import { isOption, readOption } from './bind-options.ts';
import { DEFAULT_FLAGS, type GlobalFlags } from './global-options.ts';
import { sourceText } from './position.ts';
import type { ParseResult } from './types.ts';

/** What acts on a terminal, turns the reading direction or is not seen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** A word as it could be typed in the command language, for echo and for positions in diagnostics. */
export function quoteWord(word: string): string {
  // A tilde in front stands for the home folder.
  if (/^[A-Za-z0-9_@%+=:,./-][A-Za-z0-9_@%+=:,./~-]*$/.test(word)) return word;
  if (!/'/.test(word) && word.search(INVISIBLE) < 0) return `'${word}'`;
  const escaped = word.replace(/[\\"$]/g, '\\$&').replace(INVISIBLE, (char) => {
    const named = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[char];
    const code = char.codePointAt(0)!.toString(16);
    return named ?? (code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`);
  });
  return `"${escaped}"`;
}

/** The first word after the options that every command takes; undefined when there is none, or something is wrong with these. */
export function commandWord(argv: readonly string[]): string | undefined {
  const span = sourceText('').span(0, 0);
  let isRight = true;
  const state = {
    words: argv.map((text) => ({ text, span })),
    at: 0,
    flags: DEFAULT_FLAGS,
    values: {},
    given: new Set<string>(),
    report() {
      isRight = false;
    },
  };
  while (isOption(state.words[state.at])) readOption(state, undefined);
  return isRight ? argv[state.at] : undefined;
}

/** Positions in the diagnostics are those in the words quoted and joined by spaces. */
export function parseArgv(
  argv: readonly string[],
  registry: Registry,
  flags: GlobalFlags = DEFAULT_FLAGS,
): ParseResult {
  const shown = argv.map(quoteWord);
  const source = sourceText(shown.join(' '));
  let offset = 0;
  const words = argv.map((text, i) => {
    const start = offset;
    offset += (shown[i]?.length ?? 0) + 1;
    return { text, span: source.span(start, offset - 1) };
  });
  const end = source.text.length;
  const { bound, diagnostics } = bind(words, registry, source.span(end, end), flags);
  const span = source.span(0, end);
  return {
    commands:
      bound && diagnostics.length === 0
        ? [{ ...bound, span, text: source.text, when: 'always', filters: [] }]
        : [],
    diagnostics,
    incomplete: false,
    variables: {},
  };
}
