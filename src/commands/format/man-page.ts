/** Manual pages in roff (man(7)) from the command table. */
import { GLOBAL_OPTIONS } from '../../lang/global-options.ts';
import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import type { Registry } from '../registry.ts';
import { effectsOf, GROUP_TITLES, optionHead, optionText, usageLine } from './help.ts';

export interface ManPage {
  /** `datamesh-keys-new.1` */
  file: string;
  text: string;
}

/** `datamesh(1)` and a page for every listed command. */
export function manPages(registry: Registry): ManPage[] {
  const commands = registry.byGroup().flatMap((group) => group.commands);
  return [
    { file: 'datamesh.1', text: mainPage(registry) },
    ...commands.map((command) => ({ file: `${pageName(command)}.1`, text: commandPage(command) })),
  ];
}

export function pageName(command: Command): string {
  return ['datamesh', ...command.path].join('-');
}

export function commandPage(command: Command): string {
  const name = ['datamesh', ...command.path].join(' ');
  const lines = [
    ...head(pageName(command)),
    '.SH NAME',
    `${roff(pageName(command))} \\- ${roff(lowerFirst(command.summary))}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    roff(usageLine(command).slice(name.length).trim()) || '.br',
  ];
  if (command.synonyms?.length)
    lines.push('.PP', `Also: ${roff(command.synonyms.map((path) => path.join(' ')).join(', '))}`);
  lines.push('.SH EXAMPLES');
  for (const { line, note } of command.examples) lines.push('.TP', `.B ${roff(line)}`, roff(note));
  const paragraphs = (command.description ?? '').split(/\n\s*\n/).filter((text) => text.trim() !== '');
  if (paragraphs.length > 0) lines.push('.SH DESCRIPTION');
  for (const paragraph of paragraphs) lines.push('.PP', roff(paragraph.replace(/\s+/g, ' ').trim()));
  if (command.args.length > 0) {
    lines.push('.SH ARGUMENTS');
    for (const arg of command.args)
      lines.push('.TP', `.I ${roff(arg.name.toUpperCase())}`, roff(arg.summary));
  }
  lines.push('.SH OPTIONS');
  for (const option of command.options)
    lines.push('.TP', `.B ${roff(optionHead(option).trim())}`, roff(optionText(option)));
  lines.push('.PP', 'The options of every command are in', '.BR datamesh (1).');
  lines.push('.SH EFFECTS', roff(effectsOf(command)));
  if (command.exits?.length) {
    lines.push('.SH EXIT STATUS');
    for (const { code, meaning } of command.exits) lines.push('.TP', `.B ${code}`, roff(meaning));
  }
  lines.push('.SH SEE ALSO', '.BR datamesh (1)');
  return `${lines.join('\n')}\n`;
}

function mainPage(registry: Registry): string {
  const lines = [
    ...head('datamesh'),
    '.SH NAME',
    'datamesh \\- keep files as sealed, erasure\\-coded shards on several machines',
    '.SH SYNOPSIS',
    '.B datamesh',
    '[COMMAND] [options]',
    '.SH DESCRIPTION',
    'Without a command: the console, after a set\\-up the first time; with a script on standard input, a batch.',
  ];
  for (const { group, commands } of registry.byGroup()) {
    lines.push(`.SH ${GROUP_TITLES[group].toUpperCase()}`);
    for (const command of commands)
      lines.push('.TP', `.BR ${roff(pageName(command))} (1)`, roff(command.summary));
  }
  lines.push('.SH OPTIONS OF EVERY COMMAND');
  for (const option of GLOBAL_OPTIONS)
    lines.push('.TP', `.B ${roff(optionHead(option).trim())}`, roff(option.summary));
  return `${lines.join('\n')}\n`;
}

const head = (page: string) => [
  '.\\" Made from the command table by npm run docs; changes here are lost.',
  `.TH ${roff(page).toUpperCase()} 1 "" "datamesh ${VERSION}" "User Commands"`,
];

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** Backslashes and hyphens mean something in roff, and so does a point or an apostrophe at the start of a line. */
function roff(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^(['.])/, '\\&$1');
}
