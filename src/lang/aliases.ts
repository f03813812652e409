/** Aliases are text that takes the place of a command's first word, once, before the line is parsed. */
import type { Registry } from '../commands/registry.ts';
import { sourceText } from './position.ts';
import { type Token, tokenize } from './tokenizer.ts';

/** The line with the first word of each of its commands replaced where it is an alias; words in quotes are none. */
export function expandAliases(
  line: string,
  aliases: ReadonlyMap<string, string>,
  registry: Registry,
): string {
  if (aliases.size === 0) return line;
  const { tokens } = tokenize(sourceText(line));
  let expanded = '';
  let from = 0;
  let first = true;
  for (const token of tokens) {
    if (token.kind === 'word') {
      if (!first) continue;
      first = false;
      const word = plain(token);
      const known = word === undefined ? undefined : registry.find([word]);
      // What takes a line has a command behind it; `watch` may have a time between.
      if (known?.command.takesLine === true && word !== 'alias') first = true;
      else if (word !== undefined && /^\d/.test(word)) first = true;
      const replacement = word === undefined ? undefined : aliases.get(word);
      if (replacement === undefined) continue;
      first = false;
      expanded += line.slice(from, token.span.start) + replacement;
      from = token.span.end;
    } else first = token.kind === 'newline' || token.operator !== '|';
  }
  return expanded + line.slice(from);
}

function plain(token: Extract<Token, { kind: 'word' }>): string | undefined {
  const [part] = token.parts;
  return !token.quoted && token.parts.length === 1 && part?.kind === 'text' ? part.text : undefined;
}
