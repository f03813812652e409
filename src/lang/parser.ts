/**
 * Text to commands, by the grammar of the command language:
 *   list := pipeline ((';' | '&&' | '||') pipeline)*     pipeline := command ('|' filter)* ('>' | '>>') FILE ?
 * Pure: nothing is run or looked up, so that a whole script is judged before its first command.
 */
import type { Command } from '../commands/command.ts';
import type { Registry } from '../commands/registry.ts';
import { type Bound, bind } from './bind.ts';
import type { BindWord } from './bind-options.ts';
import { expandWord } from './expand.ts';
import { checkFilters } from './field-check.ts';
import { type Filter, parseFilter } from './filters.ts';
import { DEFAULT_FLAGS, type GlobalFlags } from './global-options.ts';
import { sourceText } from './position.ts';
import { type Token, tokenize } from './tokenizer.ts';
import type { Diagnostic, ParsedCommand, ParseResult, Span } from './types.ts';

export interface ParseOptions {
  registry: Registry;
  variables?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string | undefined>>;
  /** Options in force for every command of the text, e.g. those `batch` was called with. */
  flags?: GlobalFlags;
  /** Lines of a script or console: all are run on the node that it was started with. */
  onOneNode?: boolean;
  /** Names that `set -d` and `set` of the text must not change: given from outside (`--var`). */
  fixed?: ReadonlySet<string>;
  /** Why the text must not hold a command; its help may be asked for all the same. */
  refuse?: (command: Command) => Refusal | undefined;
  /** Which line of a longer text this one begins with; 1 when it is whole. */
  firstLine?: number;
}

export type Refusal = Pick<Diagnostic, 'code' | 'message'> & { mend: string };

/** What stands within a pipeline and never between two. */
const NO_LISTS: ReadonlySet<string> = new Set(['|', '>', '>>']);

type WordToken = Extract<Token, { kind: 'word' }>;

export function parse(text: string, options: ParseOptions): ParseResult {
  const source = sourceText(text, options.firstLine);
  const flags = options.flags ?? DEFAULT_FLAGS;
  const { tokens, diagnostics, incomplete: openEnd } = tokenize(source);
  const commands: ParsedCommand[] = [];
  // Without a prototype: a variable may be called __proto__.
  const copied = (from: Readonly<Record<string, string>>): Record<string, string> =>
    Object.assign(Object.create(null), from);
  let variables = copied(options.variables ?? {});
  /** A command keeps `variables` as they are; the next `set` changes a copy. Always copying them would take the square of a script's length. */
  let kept = false;
  let incomplete = openEnd;
  let when: ParsedCommand['when'] = 'always';
  /** The operator that `when` came from, for reporting when nothing follows it. */
  let hanging: Token | undefined;
  let at = 0;

  const report = (span: Span, message: string, mend: string) =>
    diagnostics.push({ code: 'syntax', message, suggestions: [], mend, span });

  /** The words from `at` on up to an operator or the end of the line. `where a > 1` keeps its comparison. */
  function takeWords(): WordToken[] {
    const words: WordToken[] = [];
    for (let token = tokens[at]; token?.kind === 'word'; token = tokens[at]) {
      words.push(token);
      at++;
    }
    return words;
  }

  function expandAll(words: readonly WordToken[]): BindWord[] {
    const scope = { variables, env: options.env ?? {} };
    return words.map((word) => ({ text: expandWord(word.parts, scope, diagnostics), span: word.span }));
  }

  function filters(): { filter: Filter; span: Span }[] {
    const found: { filter: Filter; span: Span }[] = [];
    for (let pipe = tokens[at]; pipe?.kind === 'operator' && pipe.operator === '|'; pipe = tokens[at]) {
      at++;
      while (tokens[at]?.kind === 'newline') at++;
      const words = filterWords();
      if (words.length === 0) {
        if (tokens[at] === undefined) incomplete = true;
        report(pipe.span, "nothing follows '|'", 'write a filter after it, such as head 5');
        continue;
      }
      const result = parseFilter(words);
      const span = (words[1] ?? (words[0] as BindWord)).span;
      if ('filter' in result) found.push({ filter: result.filter, span });
      else diagnostics.push(result.diagnostic);
    }
    return found;
  }

  /** `> FILE`, `>> FILE` at the end of a pipeline. */
  function redirection(): ParsedCommand['redirect'] {
    const arrow = tokens[at];
    if (arrow?.kind !== 'operator' || (arrow.operator !== '>' && arrow.operator !== '>>')) return undefined;
    at++;
    const [file, extra] = takeWords();
    if (file === undefined) {
      report(arrow.span, `no file follows '${arrow.operator}'`, `write ${arrow.operator} FILE`);
      return undefined;
    }
    if (extra !== undefined)
      report(extra.span, 'a redirection takes one file', 'quote a name that holds spaces');
    const scope = { variables, env: options.env ?? {} };
    return { path: expandWord(file.parts, scope, diagnostics), append: arrow.operator === '>>' };
  }

  /** In `where`, `>` and `>=` compare and do not redirect. */
  function filterWords(): BindWord[] {
    const first = takeWords();
    const isWhere = first[0] !== undefined && plainText(first[0].parts) === 'where';
    // There a `~` compares and is nobody's home.
    const words = expandAll(first.map((word) => (isWhere ? withoutHome(word) : word)));
    if (words[0]?.text !== 'where') return words;
    const compares = words.some(({ text: word }, i) => i > 0 && /[=<>~]/.test(word));
    const token = tokens[at];
    // A second one would be a redirection.
    if (!compares && token?.kind === 'operator' && token.operator === '>') {
      at++;
      words.push({ text: '>', span: token.span }, ...expandAll(takeWords()));
    }
    // `>=` arrives as `>` and a word that begins with `=`.
    const joined = words.findIndex((word, i) => word.text === '>' && words[i + 1]?.text.startsWith('='));
    if (joined >= 0) {
      const tail = (words[joined + 1] as BindWord).text.slice(1);
      const span = (words[joined] as BindWord).span;
      words.splice(joined, 2, { text: '>=', span }, ...(tail === '' ? [] : [{ text: tail, span }]));
    }
    return words;
  }

  function command(): void {
    const words = takeWords();
    const first = words[0] as WordToken;
    const before = diagnostics.length;
    if (assignment(words)) {
      if (when !== 'always') {
        report(
          first.span,
          "'set' is applied when the text is read and cannot hang on another command",
          'write it on a line of its own',
        );
      }
      return;
    }
    if (wholeLine(words)) return;
    const bindWords = expandAll(words);
    // Examples are written for a shell; pasted here they work as well.
    if (bindWords.length > 1 && bindWords[0]?.text === 'datamesh') bindWords.shift();
    const lastWord = words.at(-1) as WordToken;
    const end = source.span(lastWord.span.end, lastWord.span.end);
    const pipeline = filters();
    const redirect = redirection();
    // Unset variables are reported already; binding their remains would only add noise.
    if (diagnostics.length > before) return;
    const { bound, meant, diagnostics: found } = bind(bindWords, options.registry, end, flags);
    const previous = tokens[at - 1] as Token;
    const span = { ...first.span, end: previous.span.end };
    if (refused(bound?.command ?? meant, bound?.options.help === true, span)) return;
    diagnostics.push(...found);
    if (bound) {
      diagnostics.push(
        ...(options.onOneNode === true ? ofAnotherNode(bound, flags, bindWords, span) : []),
        ...checkFilters(bound.command, pipeline),
      );
      commands.push({
        ...{ ...bound, span, text: text.slice(span.start, span.end), when },
        filters: pipeline.map(({ filter }) => filter),
        ...(redirect === undefined ? {} : { redirect }),
      });
    }
  }

  /** Reports a command that the text must not hold. */
  function refused(command: Command | undefined, help: boolean, span: Span): boolean {
    const refusal = help || command === undefined ? undefined : options.refuse?.(command);
    if (refusal !== undefined) diagnostics.push({ ...refusal, suggestions: [], span });
    return refusal !== undefined;
  }

  /** `time`, `watch` and their like take the rest of the line as it stands, operators and all. */
  function wholeLine(words: readonly WordToken[]): boolean {
    const texts = words.map(({ parts, quoted }) => (quoted ? '' : plainText(parts)));
    const found = options.registry.find(texts[0] === 'datamesh' ? texts.slice(1) : texts);
    if (found?.command.takesLine !== true) return false;
    const last = words[(texts[0] === 'datamesh' ? 1 : 0) + found.length - 1] as WordToken;
    while (at < tokens.length && tokens[at]?.kind !== 'newline') at++;
    const end = (tokens[at - 1] as Token).span.end;
    const line = text.slice(last.span.end, end).trim();
    const { command } = found;
    const help = line === '--help' || line === '-h';
    const needed = command.args.find((arg) => arg.required);
    const start = (words[0] as WordToken).span;
    if (refused(command, help, { ...start, end })) return true;
    if (line === '' && needed !== undefined) {
      diagnostics.push({
        code: 'missing-argument',
        message: `'${command.path.join(' ')}' needs ${needed.name.toUpperCase()}`,
        suggestions: [],
        mend: `${needed.name.toUpperCase()}: ${needed.summary}`,
        span: source.span(end, end),
      });
      return true;
    }
    const span = { ...start, end };
    const values = help ? {} : { line };
    kept = true;
    commands.push({
      ...{ command, values, options: { ...flags, help }, span, when, filters: [] },
      text: text.slice(span.start, span.end),
      variables,
    });
    return true;
  }

  /** `set NAME=word`, `set NAME = word`, `set -d NAME=word` (only when unset). Other uses of `set` are a command's. */
  function assignment(words: readonly WordToken[]): boolean {
    const head = words[0];
    if (
      head?.quoted ||
      head?.parts.length !== 1 ||
      head.parts[0]?.kind !== 'text' ||
      head.parts[0].text !== 'set'
    )
      return false;
    const scratch: Diagnostic[] = [];
    const scope = { variables, env: options.env ?? {} };
    const texts = words.slice(1).map((word) => expandWord(word.parts, scope, scratch));
    const onlyUnset = texts[0] === '-d' || texts[0] === '--default';
    const rest = onlyUnset ? texts.slice(1) : texts;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([\s\S]*))?$/.exec(rest[0] ?? '');
    const name = match?.[1];
    if (name === undefined) return false;
    let value = match?.[2];
    let used = 1;
    if (value === undefined) {
      if (!rest[1]?.startsWith('=')) return false;
      value = rest[1].slice(1);
      used = 2;
      if (value === '' && rest[2] !== undefined) {
        value = rest[2];
        used = 3;
      }
    }
    diagnostics.push(...scratch);
    const extra = words[1 + (onlyUnset ? 1 : 0) + used];
    if (extra) report(extra.span, 'set takes one word', `quote a value that holds spaces: set ${name}='…'`);
    const keep = options.fixed?.has(name) || (onlyUnset && Object.hasOwn(variables, name));
    if (keep) return true;
    if (kept) variables = copied(variables);
    kept = false;
    variables[name] = value;
    return true;
  }

  /** Whether the list so far ends in a pipeline, so that an operator may follow. */
  let afterCommand = false;
  while (at < tokens.length) {
    const token = tokens[at] as Token;
    if (token.kind === 'word') {
      command();
      when = 'always';
      hanging = undefined;
      afterCommand = true;
    } else if (token.kind === 'newline') {
      at++;
      if (hanging === undefined) {
        when = 'always';
        afterCommand = false;
      }
    } else {
      at++;
      const { operator, span } = token;
      if (operator === '&') {
        // The console has taken one at the end of its line before it got here.
        report(
          span,
          "'&' may only end a line of the console",
          'leave it out; the command runs in the foreground',
        );
      } else if (!afterCommand) {
        report(span, `nothing stands before '${operator}'`, 'begin with a command');
        if (NO_LISTS.has(operator)) takeWords();
      } else if (NO_LISTS.has(operator)) {
        report(span, `'${operator}' cannot follow a redirection`, 'write the filters before it');
        takeWords();
      } else {
        when = operator === '&&' ? 'and' : operator === '||' ? 'or' : 'always';
        hanging = operator === ';' ? undefined : token;
        afterCommand = false;
      }
    }
  }
  if (hanging?.kind === 'operator') {
    incomplete = true;
    report(hanging.span, `nothing follows '${hanging.operator}'`, 'write a command after it');
  }
  diagnostics.sort((a, b) => a.span.start - b.span.start);
  return { commands, diagnostics, incomplete, variables };
}

/** Which configuration, data folder and keyring: all lines of a process have the ones it was started with, so a line that names others would be run on the wrong node, or without its keys. */
function ofAnotherNode(
  { options }: Bound,
  base: GlobalFlags,
  words: readonly BindWord[],
  whole: Span,
): Diagnostic[] {
  const chosen = {
    '--config': 'configFile',
    '--data-dir': 'dataDir',
    '--passphrase-file': 'passphraseFile',
  } as const;
  return Object.entries(chosen)
    .filter(([, field]) => !options.help && options[field] !== base[field])
    .map(([name]) => ({
      code: 'bad-value',
      message: `${name} holds for the whole of a script or console, not for one line`,
      suggestions: [],
      mend: `give it to datamesh itself: datamesh ${name} PATH …`,
      span: words.find(({ text }) => text === name || text.startsWith(`${name}=`))?.span ?? whole,
    }));
}

/** A bare `~` as it was written. */
function withoutHome(word: WordToken): WordToken {
  const [part] = word.parts;
  const bare = word.parts.length === 1 && part?.kind === 'variable' && word.span.end - word.span.start === 1;
  return bare ? { ...word, parts: [{ kind: 'text', text: '~' }] } : word;
}

/** Of a word without variables, else empty: no command is called so. */
function plainText(parts: WordToken['parts']): string {
  const [part] = parts;
  return parts.length === 1 && part?.kind === 'text' ? part.text : '';
}
