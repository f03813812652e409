/** The reference of all commands as Markdown (docs/CLI.md), and that of exit statuses (docs/EXIT_CODES.md). */
import { GLOBAL_OPTIONS } from '../../lang/global-options.ts';
import type { Command } from '../command.ts';
import type { Registry } from '../registry.ts';
import { effectsOf, GROUP_TITLES, optionHead, optionText, usageLine } from './help.ts';

const MADE = '<!-- Made from the command table by `npm run docs`; changes here are lost. -->';

export function commandsMarkdown(registry: Registry): string {
  const lines = [
    MADE,
    '# Commands',
    '',
    'Every command works the same one-shot, in the console and in a batch. `datamesh COMMAND --help` shows what is here; `datamesh help',
    'COMMAND --schema` the JSON Schema of its records, which are also in [schemas/](schemas/). Exit statuses: [EXIT_CODES.md](EXIT_CODES.md);',
    'keys of the console: [KEYS.md](KEYS.md).',
    '',
  ];
  for (const { group, commands } of registry.byGroup()) {
    lines.push(`**${GROUP_TITLES[group]}**: ${commands.map(linkTo).join(' · ')}`, '');
  }
  lines.push(
    '## Options of every command',
    '',
    ...optionTable(GLOBAL_OPTIONS.map((it) => [optionHead(it), it.summary])),
  );
  for (const { group, commands } of registry.byGroup()) {
    lines.push('', `## ${GROUP_TITLES[group]}`);
    for (const command of commands) lines.push('', ...commandSection(command));
  }
  return `${lines.join('\n')}\n`;
}

function commandSection(command: Command): string[] {
  const lines = [`### ${command.path.join(' ')}`, '', `${command.summary}.`, '', '```sh'];
  for (const { line, note } of command.examples) lines.push(`${line}  # ${note}`);
  lines.push('```', '', `Usage: \`${usageLine(command)}\``);
  if (command.synonyms?.length)
    lines.push('', `Also: ${command.synonyms.map((path) => `\`${path.join(' ')}\``).join(', ')}`);
  for (const paragraph of (command.description ?? '').split(/\n\s*\n/).filter((text) => text.trim() !== ''))
    lines.push('', cellText(paragraph.replace(/\s+/g, ' ').trim()));
  const rows = [
    ...command.args.map((arg): [string, string] => [arg.name.toUpperCase(), arg.summary]),
    ...command.options.map((option): [string, string] => [optionHead(option), optionText(option)]),
  ];
  if (rows.length > 0) lines.push('', ...optionTable(rows));
  lines.push('', `Effects: ${effectsOf(command)}.`);
  if (command.exits?.length)
    lines.push('', ...command.exits.map(({ code, meaning }) => `- exit ${code}: ${cellText(meaning)}`));
  return lines;
}

function optionTable(rows: readonly (readonly [string, string])[]): string[] {
  return [
    '| | |',
    '|---|---|',
    ...rows.map(([name, text]) => `| \`${name.trim().replaceAll('|', '\\|')}\` | ${cellText(text)} |`),
  ];
}

const cellText = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

const linkTo = (command: Command) => {
  const name = command.path.join(' ');
  return `[${name}](#${name.replaceAll(' ', '-')})`;
};

/** `lines`: those of `help exit-codes`. */
export function exitCodesMarkdown(lines: readonly string[]): string {
  return `${[
    MADE,
    '# Exit statuses',
    '',
    'The same table as `datamesh help exit-codes`. Ids such as DM-8001 stand in error lines and, with `--json`, in the field `id`.',
    '',
    '```text',
    ...lines,
    '```',
  ].join('\n')}\n`;
}

export function keysMarkdown(
  sections: readonly { title: string; keys: readonly { keys: string; text: string }[] }[],
): string {
  const lines = [
    MADE,
    '# Keys of the console',
    '',
    '`?` on an empty line, or F1, shows these in the console. Letters act in a panel that has the focus and never at the prompt.',
  ];
  for (const { title, keys } of sections) {
    lines.push('', `## ${title}`, '', '| keys | what they do |', '|---|---|');
    for (const entry of keys) lines.push(`| ${cellText(entry.keys)} | ${cellText(entry.text)} |`);
  }
  return `${lines.join('\n')}\n`;
}
