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

const VI = [
  '',
  '## vi',
  '',
  '`set editor.mode vi`, or `datamesh config set console.editorMode vi` for every console to come: the prompt says `(ins)` while letters type, and `(cmd)`',
  'after Esc, when they do what follows. Enter, Tab, arrows and keys with Ctrl do in both what stands above; a letter with Alt is Esc and that letter.',
];

const MOUSE = [
  '',
  '## Mouse',
  '',
  '`set mouse on`, or `datamesh config set console.mouse true` for every console to come: the wheel scrolls the output or moves the panel that is under it, a',
  'click gives the keyboard to a panel, or back to the prompt. With Shift the terminal selects text as ever. While the shell or your editor has the',
  'terminal, and after the console, the terminal reports nothing.',
];

const OWN_KEYS = [
  '',
  '## Other keys',
  '',
  '`keys.json` beside the configuration (`~/.config/datamesh/keys.json`) gives actions other keys than those above. What stands there replaces all',
  'keys of the action; `[]` takes them away.',
  '',
  '```json',
  '{',
  '  "pause": "Ctrl-O",',
  '  "select-next": ["Down", "j"],',
  '  "undo": ["Ctrl-_", "Ctrl-X u"],',
  '  "suspend": []',
  '}',
  '```',
  '',
  'Names of keys: a letter, digit or sign, `Space`, `Enter`, `Tab`, `Esc`, `Backspace`, `Delete`, `Up`, `Down`, `Left`, `Right`, `Home`, `End`, `PgUp`,',
  '`PgDn`, `F1`, with `Ctrl-` or `Alt-` before them; `Shift-Tab`; at the prompt also pairs that begin with `Ctrl-X`. Plain letters are for panels. What',
  'cannot be is said when the console starts, and the action keeps the keys above: a name that is not here, a key that terminals do not send or',
  'not alike (Ctrl-S, Ctrl-Q, Ctrl-M, Ctrl-I, Ctrl-J, Ctrl-H, Ctrl-[, Ctrl with Backspace, F2 and up, Shift with arrows, Ctrl and Alt together), and',
  'two actions on one key at one place. In lists, questions and the history search Enter, Esc, Tab and the arrows are fixed. The line console has',
  'the keys of its line editor, not these.',
];

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
  places: readonly { place: string; title: string }[],
  actions: readonly { name: string; place: string; keys: readonly string[]; text: string }[],
  viKeys: readonly { keys: readonly string[]; text: string }[],
): string {
  const lines = [
    MADE,
    '# Keys of the console',
    '',
    '`?` on an empty line, or F1, shows these in the console, with the keys that are really bound. Letters act in a panel that has the focus and',
    'never at the prompt. A line that ends in `&`, or `&` and Enter while one runs, goes to the background.',
  ];
  for (const { place, title } of places) {
    lines.push('', `## ${title}`, '', '| keys | action | what it does |', '|---|---|---|');
    for (const action of actions.filter((each) => each.place === place)) {
      lines.push(`| ${cellText(action.keys.join(', '))} | \`${action.name}\` | ${cellText(action.text)} |`);
    }
  }
  lines.push(...VI, '', '| keys | what they do |', '|---|---|');
  for (const { keys, text } of viKeys) lines.push(`| ${cellText(keys.join(' '))} | ${cellText(text)} |`);
  return `${[...lines, ...MOUSE, ...OWN_KEYS].join('\n')}\n`;
}
