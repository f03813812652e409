/** The help window and the key row: the keys that are really bound, and what they do. */
import { cell, cut, type Row, rowWidth, wrapRow } from '../panels/cells.ts';
import { PANELS } from '../panels/panel.ts';
import type { Theme } from '../panels/theme.ts';
import type { KeyBindings } from '../repl/key-bindings.ts';
import { KEY_ACTIONS, KEY_PLACES } from '../repl/key-table.ts';
import { VI_KEYS } from '../repl/vi.ts';
import type { Layout } from './layout.ts';
import type { ConsoleState } from './state.ts';

const KEYS_COLUMNS = 17;
/** The longest name and a blank. */
const NAME_COLUMNS = 1 + Math.max(...KEY_ACTIONS.map(({ name }) => name.length));
/** From here on two columns of help stand beside each other. */
const TWO_COLUMNS = 150;

interface HelpEntry {
  keys: string;
  name: string;
  text: string;
}

/** In two columns where there is room; `query` keeps only rows that contain it. */
export function helpRows(query: string, width: number, keys: KeyBindings, theme: Theme, vi = false): Row[] {
  const wanted = query.toLowerCase();
  const entries: Row[] = [];
  const twice = width >= TWO_COLUMNS && query === '';
  const column = twice ? Math.floor(width / 2) : width;
  const section = (title: string, all: readonly HelpEntry[]) => {
    const rows = all.filter((each) =>
      `${each.keys} ${each.name} ${each.text}`.toLowerCase().includes(wanted),
    );
    if (rows.length > 0) entries.push([cell(title, 'title')]);
    for (const each of rows) {
      const shown = cut(each.keys, KEYS_COLUMNS, theme.glyphs.more).padEnd(KEYS_COLUMNS + 1);
      const head = [cell(`  ${shown}`, 'accent'), cell(each.name.padEnd(NAME_COLUMNS), 'dim')];
      entries.push(...wrapRow([...head, cell(each.text)], column - 1, rowWidth(head)));
    }
  };
  for (const { place, title } of KEY_PLACES) {
    const actions = KEY_ACTIONS.filter((action) => action.place === place);
    section(
      title,
      actions.map(({ name, text }) => ({ name, text, keys: keys.keysOf(name).join(', ') || 'no key' })),
    );
  }
  const viKeys = VI_KEYS.map((each) => ({ name: '', text: each.text, keys: each.keys.join(' ') }));
  if (vi) section('Prompt, vi after Esc', viKeys);
  if (entries.length === 0) return [[cell(`no key for "${query}"`, 'dim')]];
  if (!twice) return entries;
  const half = Math.ceil(entries.length / 2);
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
  const groups = pairsFor(state, wide, theme.glyphs.unicode).map(
    ([keys, text]): Row => [cell(` ${keys}`, 'accent'), cell(` ${text} `, 'dim')],
  );
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

type Pair = [keys: string, text: string];

function pairsFor(state: ConsoleState, wide: boolean, unicode: boolean): Pair[] {
  const { keyOf } = state.keys;
  if (state.asking?.kind === 'confirm') return pairs(['y', 'yes'], ['Enter', 'no']);
  if (state.asking?.kind === 'secret') return pairs(['Enter', 'done'], ['Esc', 'cancel']);
  if (state.prompt.search !== undefined)
    return pairs([keyOf('reverse-search-history'), 'next hit'], ['Enter', 'take'], ['Esc', 'cancel']);
  if (state.prompt.menu !== undefined) return pairs(['Tab', 'next'], ['Enter', 'take'], ['Esc', 'close']);
  if (state.typingFilter !== undefined)
    return pairs(['Enter', 'keep'], ['Esc', 'undo'], [keyOf('unix-line-discard'), 'clear']);
  const help = state.keys.keysOf('help').at(-1) ?? '';
  if (state.focus !== 'prompt') {
    const more: Pair[] = wide
      ? [
          [keyOf('copy'), 'copy id'],
          [help, 'help'],
        ]
      : [];
    return pairs(
      [moveKeys(state.keys, unicode), 'move'],
      [keyOf('open'), 'look into'],
      [keyOf('filter'), 'filter'],
      [keyOf('sort'), 'sort'],
      [keyOf('zoom'), 'zoom'],
      [keyOf('next-panel'), 'next panel'],
      [keyOf('back'), 'back'],
      ...more,
    );
  }
  const pause: Pair = [keyOf('pause'), state.paused === undefined ? 'pause' : 'resume'];
  return pairs(
    [help, 'help'],
    [keyOf('focus-panels'), 'panels'],
    ...(wide ? [[focusKeys(state.keys), 'zoom'] as Pair] : []),
    [keyOf('reverse-search-history'), 'history'],
    pause,
    ...(wide ? [[keyOf('redraw'), 'redraw'] as Pair] : []),
    keyOf('quit') === '' ? ['exit', 'quit'] : [keyOf('quit'), 'quit'],
  );
}

/** Without those that no key does. */
function pairs(...all: Pair[]): Pair[] {
  return all.filter(([keys]) => keys !== '');
}

function moveKeys(keys: KeyBindings, unicode: boolean): string {
  const [up = '', down = ''] = [keys.keyOf('select-previous'), keys.keyOf('select-next')];
  if (up !== 'Up' || down !== 'Down') return `${down} ${up}`.trim();
  return unicode ? '↑↓' : 'j k';
}

/** `Alt-1..6`, where the six keys are still in a row. */
function focusKeys(keys: KeyBindings): string {
  const six = PANELS.map((panel) => keys.keyOf(`focus-${panel}`));
  const stem = six[0]?.replace(/1$/, '');
  return six.every((key, at) => key === `${stem}${at + 1}`) ? `${stem}1..${six.length}` : '';
}
