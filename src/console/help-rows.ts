/** The keys, as data: the help window and the key row are drawn from it. */
import { cell, type Row, rowWidth } from '../panels/cells.ts';
import type { Theme } from '../panels/theme.ts';
import type { Layout } from './layout.ts';
import type { ConsoleState } from './state.ts';

interface KeyHelp {
  keys: string;
  text: string;
}

/** Also docs/KEYS.md is made from them. */
export const KEY_SECTIONS: readonly { title: string; keys: readonly KeyHelp[] }[] = [
  {
    title: 'Anywhere',
    keys: [
      { keys: 'Alt+1..6', text: 'focus a panel; again: zoom' },
      { keys: 'Ctrl-G', text: 'pause or resume the panels' },
      { keys: 'Ctrl-L', text: 'redraw the screen' },
      { keys: 'Ctrl-Z', text: 'suspend to the shell (fg comes back)' },
      { keys: 'Ctrl-C', text: 'cancel the running command, clear the line, leave a panel' },
      { keys: 'Ctrl-D', text: 'leave the console (on an empty line)' },
    ],
  },
  {
    title: 'Prompt',
    keys: [
      { keys: 'Enter', text: 'run' },
      { keys: 'Tab', text: 'complete; twice: menu; on an empty line: panels' },
      { keys: 'Right, Ctrl-F', text: 'take the dimmed suggestion' },
      { keys: 'Up, Down', text: 'history of lines that begin like this one' },
      { keys: 'Ctrl-R', text: 'search the history; again: all sessions, next hit' },
      { keys: 'PgUp, PgDn', text: 'scroll the output' },
      { keys: 'Ctrl-A, Ctrl-E', text: 'begin and end of the line' },
      { keys: 'Alt-B, Alt-F', text: 'a word back, a word on' },
      { keys: 'Ctrl-W, Alt-D', text: 'cut the word before, after' },
      { keys: 'Ctrl-U, Ctrl-K', text: 'cut to the begin, to the end' },
      { keys: 'Ctrl-Y, Alt-Y', text: 'put back what was cut, the one before' },
      { keys: 'Ctrl-T', text: 'swap two characters' },
      { keys: 'Ctrl-_', text: 'undo' },
      { keys: 'Alt-Enter', text: 'new line in the command' },
      { keys: 'Ctrl-X Ctrl-E', text: 'the line in your editor ($VISUAL, $EDITOR)' },
      { keys: '&', text: 'at the end of a line, or alone while a command runs: in the background' },
    ],
  },
  {
    title: 'Panel',
    keys: [
      { keys: 'Up, Down, j, k', text: 'move; g and G: first and last' },
      { keys: 'Tab, Shift-Tab', text: 'next and previous panel' },
      { keys: 'Enter', text: 'look into the selected row' },
      { keys: 'Esc', text: 'one level back, then to the prompt' },
      { keys: '/', text: 'filter: words, !word, state:offline' },
      { keys: 's, S', text: 'next order, reverse' },
      { keys: 'z', text: 'zoom' },
      { keys: 'Space', text: 'mark; y copies what is marked' },
      { keys: 'y', text: 'copy the id, of an event the whole record' },
      { keys: 'f', text: 'events: follow the newest' },
      { keys: 'w', text: 'bandwidth: 60 s, 10 minutes, 24 hours' },
      { keys: 'p, x', text: 'peers: speed test, what if it were lost (on the prompt)' },
      { keys: 'r, v', text: 'health, storage: repair, verify (on the prompt)' },
      { keys: 'c', text: 'jobs: cancel (on the prompt)' },
    ],
  },
];

const KEY_COLUMNS = 17;

/** In two columns where there is room; `query` keeps only rows that contain it. */
export function helpRows(query: string, width: number): Row[] {
  const wanted = query.toLowerCase();
  const entries: Row[] = [];
  for (const section of KEY_SECTIONS) {
    const keys = section.keys.filter((each) => `${each.keys} ${each.text}`.toLowerCase().includes(wanted));
    if (keys.length === 0) continue;
    entries.push([cell(section.title, 'title')]);
    for (const each of keys)
      entries.push([cell(`  ${each.keys.padEnd(KEY_COLUMNS)}`, 'accent'), cell(each.text)]);
  }
  if (entries.length === 0) return [[cell(`no key for "${query}"`, 'dim')]];
  if (width < 130 || query !== '') return entries;
  const half = Math.ceil(entries.length / 2);
  const column = Math.floor(width / 2);
  return entries.slice(0, half).map((row, at) => {
    const gap = cell(' '.repeat(Math.max(1, column - rowWidth(row))));
    return [...row, gap, ...(entries[half + at] ?? [])];
  });
}

/** The keys that matter now, in the last row. */
export function keysRow(state: ConsoleState, layout: Layout, theme: Theme): Row {
  if (state.notice !== undefined && state.notice.untilMs > state.nowMs) {
    return [cell(` ${state.notice.text}`, 'warn')];
  }
  const wide = layout.size === 'M' || layout.size === 'L';
  const pairs = pairsFor(state, wide, theme.glyphs.unicode);
  const groups = pairs.map(([keys, text]): Row => [cell(` ${keys}`, 'accent'), cell(` ${text} `, 'dim')]);
  // The last one says how to get out: it stays when the others give way.
  const way = groups.pop() ?? [];
  const room = layout.columns - 1 - rowWidth(way);
  return [...trimmed(groups, room), ...way];
}

function trimmed(groups: readonly Row[], columns: number): Row {
  let used = 0;
  return groups
    .filter((group) => {
      const fits = used + rowWidth(group) <= columns;
      if (fits) used += rowWidth(group);
      return fits;
    })
    .flat();
}

function pairsFor(state: ConsoleState, wide: boolean, unicode: boolean): [string, string][] {
  if (state.asking?.kind === 'confirm')
    return [
      ['y', 'yes'],
      ['Enter', 'no'],
    ];
  if (state.asking?.kind === 'secret')
    return [
      ['Enter', 'done'],
      ['Esc', 'cancel'],
    ];
  if (state.prompt.search !== undefined)
    return [
      ['Ctrl-R', 'next hit'],
      ['Enter', 'take'],
      ['Esc', 'cancel'],
    ];
  if (state.prompt.menu !== undefined)
    return [
      ['Tab', 'next'],
      ['Enter', 'take'],
      ['Esc', 'close'],
    ];
  if (state.typingFilter !== undefined)
    return [
      ['Enter', 'keep'],
      ['Esc', 'undo'],
      ['Ctrl-U', 'clear'],
    ];
  if (state.focus !== 'prompt') {
    const keys: [string, string][] = [
      [unicode ? '↑↓' : 'j k', 'move'],
      ['Enter', 'look into'],
      ['/', 'filter'],
      ['s', 'sort'],
      ['z', 'zoom'],
      ['Tab', 'next panel'],
      ['Esc', 'back'],
    ];
    return wide ? [...keys, ['y', 'copy id'], ['?', 'help']] : keys;
  }
  const keys: [string, string][] = [
    ['?', 'help'],
    ['Tab', 'panels'],
    ['Ctrl-R', 'history'],
    ['Ctrl-G', state.paused === undefined ? 'pause' : 'resume'],
    ['Ctrl-D', 'quit'],
  ];
  return wide
    ? [
        ...keys.slice(0, 2),
        ['Alt+1..6', 'zoom'],
        ...keys.slice(2, 4),
        ['Ctrl-L', 'redraw'],
        ['Ctrl-D', 'quit'],
      ]
    : keys;
}
