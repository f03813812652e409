/** The prompt, its caret and the hint below it. */
import { cell, cut, fitRow, type Row, type Tone, widthOf } from '../panels/cells.ts';
import type { Theme } from '../panels/theme.ts';
import type { Hint } from '../repl/hint.ts';
import { visibleLine, visibleWindow } from '../repl/line-window.ts';
import type { Menu, Search } from '../repl/prompt-state.ts';
import { ghostText, searchHits } from '../repl/repl-model.ts';
import type { ConsoleServices, ConsoleState } from './state.ts';

export interface PromptRows {
  prompt: Row;
  hint: Row;
  caretColumn: number;
}

export function promptRows(state: ConsoleState, services: ConsoleServices, theme: Theme): PromptRows {
  const width = state.columns;
  const { asking, prompt } = state;
  if (asking !== undefined) return askingRows(asking, width, theme);
  if (prompt.search !== undefined) return searchRows(prompt.search, services, width, theme);
  const { editor } = prompt;
  const open = editor.text.includes('\n');
  // As readline's show-mode-in-prompt has it.
  const mode = prompt.vi === undefined ? '' : prompt.vi.mode === 'insert' ? '(ins) ' : '(cmd) ';
  const label = `${mode}${state.snapshot?.status.name ?? state.name} ${state.snapshot?.status.network ?? state.network}${open ? theme.glyphs.more : ''}> `;
  const head = cut(label, Math.floor(width / 2), '> ');
  const room = width - widthOf(head);
  const window = visibleWindow(editor.text, editor.caret, room);
  const ghost = ghostText(prompt, services);
  const tone: Tone = state.focus === 'prompt' ? 'accent' : 'dim';
  const row: Row = [cell(head, tone), cell(window.text), cell(visibleLine(ghost), 'dim')];
  return {
    prompt: fitRow(row, width, theme.glyphs.more),
    hint: fitRow(hintRow(state, services, theme), width, theme.glyphs.more),
    caretColumn: Math.min(width - 1, widthOf(head) + window.caretColumn),
  };
}

function askingRows(asking: NonNullable<ConsoleState['asking']>, width: number, theme: Theme): PromptRows {
  const suffix = asking.kind === 'confirm' ? ' [y/N] ' : ' ';
  const head = cut(`${asking.question}${suffix}`, width - 8, `${theme.glyphs.more}${suffix}`);
  // How long a secret is, is part of it: dots up to a fixed number.
  const dots = asking.kind === 'secret' ? '*'.repeat(Math.min(6, asking.editor.text.length)) : '';
  const hint = asking.kind === 'secret' ? '  not shown, never stored in the history' : '';
  return {
    prompt: fitRow([cell(head, 'warn'), cell(dots)], width),
    hint: fitRow([cell(hint, 'dim')], width),
    caretColumn: Math.min(width - 1, widthOf(head) + dots.length),
  };
}

function searchRows(search: Search, services: ConsoleServices, width: number, theme: Theme): PromptRows {
  const hits = searchHits(search, services);
  const hit = hits[search.index];
  const head = search.scope === 'session' ? 'search this session: ' : 'search all history: ';
  const query = visibleLine(search.query);
  const row: Row = [
    cell(head, 'accent'),
    cell(query),
    cell(`  ${theme.glyphs.pointer} `, 'dim'),
    cell(hit === undefined ? 'nothing found' : visibleLine(hit), hit === undefined ? 'warn' : 'plain'),
  ];
  const others = hits.filter((each, at) => at !== search.index && each !== hit).slice(0, 5);
  return {
    prompt: fitRow(row, width, theme.glyphs.more),
    hint: fitRow(
      [cell(`   ${others.map(visibleLine).join(`  ${theme.glyphs.dot}  `)}`, 'dim')],
      width,
      theme.glyphs.more,
    ),
    caretColumn: Math.min(width - 1, widthOf(head) + widthOf(query)),
  };
}

function hintRow(state: ConsoleState, services: ConsoleServices, theme: Theme): Row {
  const { prompt } = state;
  if (prompt.menu !== undefined) return menuRow(prompt.menu, state.columns, theme);
  if (prompt.editor.text === '') {
    const { keys } = state;
    const ways = [keys.keyOf('forward-char'), keys.keyOf('complete')].filter((key) => key !== '');
    const offered = prompt.correction === undefined ? '' : `   ${ways.join(' or ')} inserts the suggestion`;
    return [cell(offered, 'dim')];
  }
  const hint = services.hint(prompt.editor.text);
  if (hint === undefined) return [cell('')];
  return [cell('   '), ...usageCells(hint), cell(`   ${hint.note}`, 'dim')];
}

function usageCells(hint: Hint): Row {
  const { usage, next } = hint;
  if (next === undefined) return [cell(usage, 'dim')];
  return [
    cell(usage.slice(0, next.start), 'dim'),
    cell(usage.slice(next.start, next.end), 'accent'),
    cell(usage.slice(next.end), 'dim'),
  ];
}

/** The choices in one row, the chosen one in sight, what it is at the end. */
function menuRow(menu: Menu, width: number, theme: Theme): Row {
  const note = menu.items[menu.index]?.note ?? '';
  const count = `${menu.index + 1}/${menu.items.length}`;
  const tail = note === '' ? count : `${cut(note, Math.floor(width / 2), theme.glyphs.more)}  ${count}`;
  const room = width - widthOf(tail) - 6;
  let first = 0;
  const used = (from: number) =>
    menu.items.slice(from, menu.index + 1).reduce((sum, item) => sum + widthOf(item.text.trim()) + 2, 0);
  while (first < menu.index && used(first) > room) first++;
  const cells = menu.items.slice(first).flatMap((item, at) => {
    const tone: Tone = first + at === menu.index ? 'selected' : 'plain';
    return [cell(visibleLine(item.text.trim()), tone), cell('  ')];
  });
  const list = fitRow([cell('   '), ...cells], width - widthOf(tail) - 2, theme.glyphs.more);
  return [...list, cell(tail, 'dim')];
}
