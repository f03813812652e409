/**
 * What keys do in the console, once: names, keys, help. The keyboard (key-bindings.ts), the help window and docs/KEYS.md are made of this table;
 * keys.json gives an action other keys by its name. Names of line editing are readline's.
 */

/**
 * Where a key acts. `anywhere`: at the prompt and in panels; a plain character among its keys acts in panels only. `empty-line`: at the prompt while
 * nothing stands on it, before what the key does on a line.
 */
export type KeyPlace = 'anywhere' | 'empty-line' | 'prompt' | 'panel';

export interface KeyAction {
  name: string;
  place: KeyPlace;
  keys: readonly string[];
  text: string;
  /** The panels it is for; all of them where it is not given. */
  panels?: readonly string[];
}

export const KEY_ACTIONS = [
  { name: 'help', place: 'anywhere', keys: ['F1', '?'], text: 'these keys (? on an empty line)' },
  { name: 'focus-peers', place: 'anywhere', keys: ['Alt-1', '1'], text: 'focus Peers; again: zoom' },
  { name: 'focus-health', place: 'anywhere', keys: ['Alt-2', '2'], text: 'focus Health; again: zoom' },
  { name: 'focus-bandwidth', place: 'anywhere', keys: ['Alt-3', '3'], text: 'focus Bandwidth; again: zoom' },
  { name: 'focus-jobs', place: 'anywhere', keys: ['Alt-4', '4'], text: 'focus Jobs; again: zoom' },
  { name: 'focus-events', place: 'anywhere', keys: ['Alt-5', '5'], text: 'focus Events; again: zoom' },
  { name: 'focus-storage', place: 'anywhere', keys: ['Alt-6', '6'], text: 'focus Storage; again: zoom' },
  { name: 'pause', place: 'anywhere', keys: ['Ctrl-G'], text: 'pause or resume the panels' },
  { name: 'redraw', place: 'anywhere', keys: ['Ctrl-L'], text: 'redraw the screen' },
  { name: 'suspend', place: 'anywhere', keys: ['Ctrl-Z'], text: 'suspend to the shell (fg comes back)' },
  {
    name: 'cancel',
    place: 'anywhere',
    keys: ['Ctrl-C'],
    text: 'cancel the running command, clear the line, leave a panel',
  },

  { name: 'quit', place: 'empty-line', keys: ['Ctrl-D'], text: 'leave the console' },
  { name: 'focus-panels', place: 'empty-line', keys: ['Tab'], text: 'to the first panel' },
  { name: 'focus-last-panel', place: 'empty-line', keys: ['Shift-Tab'], text: 'to the last panel' },

  { name: 'accept-line', place: 'prompt', keys: ['Enter'], text: 'run' },
  { name: 'complete', place: 'prompt', keys: ['Tab'], text: 'complete; twice: menu' },
  {
    name: 'previous-history',
    place: 'prompt',
    keys: ['Up', 'Ctrl-P'],
    text: 'older line that begins like this',
  },
  {
    name: 'next-history',
    place: 'prompt',
    keys: ['Down', 'Ctrl-N'],
    text: 'newer line that begins like this',
  },
  {
    name: 'reverse-search-history',
    place: 'prompt',
    keys: ['Ctrl-R'],
    text: 'search the history; again: all sessions, next hit',
  },
  { name: 'scroll-up', place: 'prompt', keys: ['PgUp'], text: 'older output' },
  { name: 'scroll-down', place: 'prompt', keys: ['PgDn'], text: 'newer output' },
  {
    name: 'forward-char',
    place: 'prompt',
    keys: ['Right', 'Ctrl-F'],
    text: 'a character on; at the end: take the dimmed suggestion',
  },
  { name: 'backward-char', place: 'prompt', keys: ['Left', 'Ctrl-B'], text: 'a character back' },
  {
    name: 'forward-word',
    place: 'prompt',
    keys: ['Alt-F', 'Ctrl-Right', 'Alt-Right'],
    text: 'a word on',
  },
  {
    name: 'backward-word',
    place: 'prompt',
    keys: ['Alt-B', 'Ctrl-Left', 'Alt-Left'],
    text: 'a word back',
  },
  { name: 'beginning-of-line', place: 'prompt', keys: ['Home', 'Ctrl-A'], text: 'begin of the line' },
  {
    name: 'end-of-line',
    place: 'prompt',
    keys: ['End', 'Ctrl-E'],
    text: 'end of the line; there: take the dimmed suggestion',
  },
  { name: 'delete-char', place: 'prompt', keys: ['Delete', 'Ctrl-D'], text: 'delete the character under it' },
  { name: 'backward-delete-char', place: 'prompt', keys: ['Backspace'], text: 'delete the character before' },
  { name: 'unix-word-rubout', place: 'prompt', keys: ['Ctrl-W'], text: 'cut back to a blank' },
  { name: 'backward-kill-word', place: 'prompt', keys: ['Alt-Backspace'], text: 'cut the word before' },
  { name: 'kill-word', place: 'prompt', keys: ['Alt-D', 'Alt-Delete'], text: 'cut the word after' },
  { name: 'unix-line-discard', place: 'prompt', keys: ['Ctrl-U'], text: 'cut to the begin' },
  { name: 'kill-line', place: 'prompt', keys: ['Ctrl-K'], text: 'cut to the end' },
  { name: 'yank', place: 'prompt', keys: ['Ctrl-Y'], text: 'put back what was cut' },
  { name: 'yank-pop', place: 'prompt', keys: ['Alt-Y'], text: 'after that: what was cut before it' },
  { name: 'transpose-chars', place: 'prompt', keys: ['Ctrl-T'], text: 'swap two characters' },
  { name: 'undo', place: 'prompt', keys: ['Ctrl-_'], text: 'undo' },
  { name: 'new-line', place: 'prompt', keys: ['Alt-Enter'], text: 'new line in the command' },
  {
    name: 'edit-line',
    place: 'prompt',
    keys: ['Ctrl-X Ctrl-E'],
    text: 'the line in your editor ($VISUAL, $EDITOR)',
  },

  { name: 'select-next', place: 'panel', keys: ['Down', 'j', 'n', 'Ctrl-N'], text: 'next row' },
  { name: 'select-previous', place: 'panel', keys: ['Up', 'k', 'N', 'Ctrl-P'], text: 'previous row' },
  { name: 'page-down', place: 'panel', keys: ['PgDn'], text: 'a page down' },
  { name: 'page-up', place: 'panel', keys: ['PgUp'], text: 'a page up' },
  { name: 'select-first', place: 'panel', keys: ['g', 'Home'], text: 'first row' },
  { name: 'select-last', place: 'panel', keys: ['G', 'End'], text: 'last row' },
  { name: 'next-panel', place: 'panel', keys: ['Tab'], text: 'next panel' },
  { name: 'previous-panel', place: 'panel', keys: ['Shift-Tab'], text: 'previous panel' },
  { name: 'open', place: 'panel', keys: ['Enter'], text: 'look into the selected row' },
  { name: 'back', place: 'panel', keys: ['Esc'], text: 'one level back, then to the prompt' },
  { name: 'filter', place: 'panel', keys: ['/'], text: 'filter: words, !word, state:offline' },
  { name: 'sort', place: 'panel', keys: ['s'], text: 'next order' },
  { name: 'reverse-sort', place: 'panel', keys: ['S'], text: 'reverse the order' },
  { name: 'zoom', place: 'panel', keys: ['z'], text: 'zoom' },
  { name: 'mark', place: 'panel', keys: ['Space'], text: 'mark, to copy what is marked' },
  { name: 'copy', place: 'panel', keys: ['y'], text: 'copy the id, of an event the whole record' },
  { name: 'follow', place: 'panel', keys: ['f'], text: 'events: follow the newest', panels: ['events'] },
  {
    name: 'window',
    place: 'panel',
    keys: ['w'],
    text: 'bandwidth: 60 s, 10 minutes, 24 hours',
    panels: ['bandwidth'],
  },
  {
    name: 'speed-test',
    place: 'panel',
    keys: ['p'],
    text: 'peers: speed test (on the prompt)',
    panels: ['peers'],
  },
  {
    name: 'whatif-lost',
    place: 'panel',
    keys: ['x'],
    text: 'peers: what if it were lost (on the prompt)',
    panels: ['peers'],
  },
  {
    name: 'ban-peer',
    place: 'panel',
    keys: ['b'],
    text: 'peers: ban, or let in again (on the prompt)',
    panels: ['peers'],
  },
  {
    name: 'name-peer',
    place: 'panel',
    keys: ['n'],
    text: 'peers: give a nickname (on the prompt)',
    panels: ['peers'],
  },
  {
    name: 'repair',
    place: 'panel',
    keys: ['r'],
    text: 'health, storage: repair (on the prompt)',
    panels: ['health', 'storage'],
  },
  {
    name: 'verify',
    place: 'panel',
    keys: ['v'],
    text: 'health, storage: verify (on the prompt)',
    panels: ['health', 'storage'],
  },
  {
    name: 'cancel-job',
    place: 'panel',
    keys: ['c'],
    text: 'jobs: cancel (on the prompt)',
    panels: ['jobs'],
  },
  {
    name: 'keep-job',
    place: 'panel',
    keys: ['k'],
    text: 'jobs: keep on top; again: let go',
    panels: ['jobs'],
  },
] as const satisfies readonly KeyAction[];

export type ActionName = (typeof KEY_ACTIONS)[number]['name'];

/** Headings of the help and of docs/KEYS.md, in their order. */
export const KEY_PLACES: readonly { place: KeyPlace; title: string }[] = [
  { place: 'anywhere', title: 'Anywhere' },
  { place: 'empty-line', title: 'Prompt, nothing on it' },
  { place: 'prompt', title: 'Prompt' },
  { place: 'panel', title: 'Panel' },
];
