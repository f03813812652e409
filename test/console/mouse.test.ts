/** Where the mouse points, and what the wheel and a click do there. */
import type { ReadStream } from 'node:tty';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visiblePanels } from '../../src/console/layout.ts';
import { areaAt, mouseStep } from '../../src/console/mouse.ts';
import { type MouseReport, splitReports, tapMouse } from '../../src/console/mouse-reports.ts';
import { type ConsoleState, initialState, layoutOf } from '../../src/console/state.ts';
import { appendRows, textRow } from '../../src/console/transcript.ts';
import { rowIds } from '../../src/panels/catalogue.ts';
import { PANELS } from '../../src/panels/panel.ts';
import { BUILT_IN_KEYS } from '../../src/repl/key-bindings.ts';
import { createFakeEngine } from '../support/fake-engine.ts';

function stateOf(columns: number, rows: number, change: Partial<ConsoleState> = {}): ConsoleState {
  const start = { columns, rows, nowMs: 0, name: 'alder', network: 'home' };
  return { ...initialState({ ...start, keys: BUILT_IN_KEYS, editorMode: 'emacs' }), ...change };
}

/** The text in chunks of these lengths, again and again; never cut right behind ESC, which alone is a key. */
function chunksOf(text: string, lengths: readonly number[]): string[] {
  const chunks: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = from + (lengths[chunks.length % lengths.length] ?? 1);
    if (text[to - 1] === '\u001b') to++;
    chunks.push(text.slice(from, to));
    from = to;
  }
  return chunks;
}

/** Cells of each area, counted one by one. */
function cells(state: ConsoleState): Map<string, number> {
  const found = new Map<string, number>();
  for (let row = 1; row <= state.rows; row++) {
    for (let column = 1; column <= state.columns; column++) {
      const area = areaAt(state, column, row);
      const name = area === undefined ? 'none' : area.kind === 'panel' ? area.id : area.kind;
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  return found;
}

function at(state: ConsoleState, name: string): { column: number; row: number } {
  for (let row = 1; row <= state.rows; row++) {
    for (let column = 1; column <= state.columns; column++) {
      const area = areaAt(state, column, row);
      if (area !== undefined && (area.kind === 'panel' ? area.id : area.kind) === name)
        return { column, row };
    }
  }
  throw new Error(`${name} is not on the screen`);
}

const point = (state: ConsoleState, kind: MouseReport['kind'], name: string) =>
  mouseStep(state, { kind, ...at(state, name) });

describe('reports of the mouse', () => {
  const one = (text: string) => splitReports(`\u001b${text}`).parts;

  it('are read in the SGR form, whatever keys are held', () => {
    expect(one('[<0;12;3M')).toEqual([{ kind: 'press', column: 12, row: 3 }]);
    expect(one('[<0;12;3m')).toMatchObject([{ kind: 'other' }]);
    expect(one('[<64;1;1M')).toMatchObject([{ kind: 'wheel-up' }]);
    expect(one('[<65;300;99M')).toEqual([{ kind: 'wheel-down', column: 300, row: 99 }]);
    expect(one('[<80;1;1M')).toMatchObject([{ kind: 'wheel-up' }]);
    for (const button of [1, 2, 32, 35, 66, 128])
      expect(one(`[<${button};1;1M`)).toMatchObject([{ kind: 'other' }]);
    for (const text of ['[<0;12M', '[0;1;1M', '[<;;M', '[<9999;1;1M', '[A', ''])
      expect(one(text)).toEqual([`\u001b${text}`]);
  });

  it('come in their place between the keys, however the bytes are cut, and no key is lost', () => {
    const report = fc
      .tuple(fc.constantFrom(0, 64, 65, 35), fc.integer({ min: 1, max: 500 }), fc.constantFrom('M', 'm'))
      .map(([button, place, end]) => `\u001b[<${button};${place};7${end}`);
    const typed = fc.constantFrom(
      'a',
      'list\r',
      '\u001b[A',
      '\u001bb',
      '日本',
      '[<0;1;1M',
      '\u001b[200~x\u001b[201~',
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(fc.oneof(report, typed)), sizes, (pieces, lengths) => {
        const all = pieces.join('');
        const read: string[] = [];
        const source = chunksOf(all, lengths);
        const stdin = tapMouse({ read: () => source.shift() ?? null } as unknown as ReadStream, {
          wanted: () => true,
          report: ({ kind, column }) => read.push(`<${kind} ${column}>`),
        });
        for (let chunk = stdin.read(); chunk !== null; chunk = stdin.read()) read.push(String(chunk));
        const wanted = splitReports(all).parts.map((part) =>
          typeof part === 'string' ? part : `<${part.kind} ${part.column}>`,
        );
        expect(read.join('')).toBe(wanted.join(''));
      }),
      { numRuns: 300 },
    );
  });

  it('are passed on as they came while nobody wants them', () => {
    const source = ['a\u001b[<0;1;1M', '\u001b[<0;1'];
    const stdin = tapMouse({ read: () => source.shift() ?? null } as unknown as ReadStream, {
      wanted: () => false,
      report: () => expect.unreachable(),
    });
    expect([stdin.read(), stdin.read(), stdin.read()]).toEqual(['a\u001b[<0;1;1M', '\u001b[<0;1', null]);
  });
});

describe('the mouse', () => {
  it('finds every panel where it is drawn, cell by cell', () => {
    const size = fc.record({
      columns: fc.integer({ min: 40, max: 210 }),
      rows: fc.integer({ min: 10, max: 60 }),
    });
    const wish = fc.record({ focus: fc.constantFrom('prompt' as const, ...PANELS), zoomed: fc.boolean() });
    fc.assert(
      fc.property(size, wish, ({ columns, rows }, { focus, zoomed }) => {
        const shown = focus === 'prompt' ? 'peers' : focus;
        const state = stateOf(columns, rows, { focus, zoomed, shown });
        const layout = layoutOf(state);
        const found = cells(state);
        if (layout.size === 'tiny') {
          expect([...found.keys()]).toEqual(['none']);
          return;
        }
        for (const box of layout.bands.flatMap((band) => band.columns.flat()))
          expect(found.get(box.id), box.id).toBe(box.width * box.height);
        expect(found.get('output') ?? 0).toBe(columns * layout.outputHeight);
        expect(found.get('foot')).toBe(columns * 4);
        expect(found.get('none')).toBe(columns * (layout.gauges ? 2 : 1));
        expect(
          [...found.keys()].filter((name) => (PANELS as readonly string[]).includes(name)).sort(),
        ).toEqual([...visiblePanels(layout)].sort());
      }),
      { numRuns: 60 },
    );
  });

  it('gives the keyboard to the panel that is clicked, and back; a second click does not zoom', () => {
    const state = stateOf(120, 40);
    const clicked = point(state, 'press', 'health');
    expect([clicked.focus, clicked.zoomed]).toEqual(['health', false]);
    const again = point(clicked, 'press', 'health');
    expect([again.focus, again.zoomed]).toEqual(['health', false]);
    expect(point(again, 'press', 'output').focus).toBe('prompt');
    expect(point(again, 'press', 'foot').focus).toBe('prompt');
    expect(point(again, 'other', 'peers')).toEqual(again);
    const editor = state.prompt.editor;
    const asking = { kind: 'confirm', purpose: 'quit', question: 'sure?', editor } as const;
    expect(point({ ...state, asking }, 'press', 'peers').focus).toBe('prompt');
  });

  it('moves the panel under the wheel; events follow again at the newest', async () => {
    const snapshot = await createFakeEngine().snapshot();
    const state = stateOf(120, 40, { snapshot });
    const newest = snapshot.events.length - 1;
    expect(newest).toBeGreaterThan(2);
    const up = point(state, 'wheel-up', 'events');
    expect(up.panels.events.selectedId).toBe(String(snapshot.events[newest - 3]?.seq));
    expect([up.focus, up.browsed]).toEqual(['prompt', 'events']);
    expect(point(up, 'wheel-down', 'events').panels.events.selectedId).toBeUndefined();
    const peers = point(point(state, 'wheel-down', 'peers'), 'wheel-down', 'peers');
    const ids = rowIds('peers', snapshot, peers.panels.peers);
    expect(peers.panels.peers.selectedId).toBe(ids[3]);
  });

  it('scrolls the output by the wheel, never past its ends, and leaves the keyboard where it is', () => {
    const lines = Array.from({ length: 100 }, (_, line) => textRow(`line ${line}`));
    const state = stateOf(120, 40);
    const full = { ...state, transcript: appendRows(state.transcript, lines, 116) };
    const up = point(full, 'wheel-up', 'output');
    expect([up.transcript.scroll, up.focus]).toEqual([3, 'prompt']);
    expect(point(up, 'wheel-down', 'output').transcript.scroll).toBe(0);
    let top = full;
    for (let notch = 0; notch < 100; notch++) top = point(top, 'wheel-up', 'output');
    expect(top.transcript.scroll).toBe(100 - (layoutOf(top).outputHeight - 2));
    const help = { ...full, help: { query: '', scroll: 0 } };
    expect(point(help, 'wheel-down', 'output')).toMatchObject({
      help: { scroll: 3 },
      transcript: { scroll: 0 },
    });
  });
});
