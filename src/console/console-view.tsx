import { Box } from 'ink';
import { memo } from 'react';
import { drawPanel } from '../panels/catalogue.ts';
import { cut, type Row, rowText } from '../panels/cells.ts';
import { type PanelId, type PanelInput, sameInput } from '../panels/panel.ts';
import { paintRow, type Theme } from '../panels/theme.ts';
import { RowsView } from '../panels/views/rows-view.tsx';
import { PromptView } from '../repl/ui/prompt-view.tsx';
import type { Band } from './layout.ts';
import { promptRows } from './prompt-rows.ts';
import { footRow, gaugeRow, headerRow, jobRow, outputRows, panelInput } from './screen.ts';
import { type ConsoleServices, type ConsoleState, layoutOf } from './state.ts';

export interface ConsoleViewProps {
  state: ConsoleState;
  services: ConsoleServices;
  theme: Theme;
}

/** The whole screen: bands of panels between the header and the prompt. Few nodes; every row is ready text. */
export function ConsoleView({ state, services, theme }: ConsoleViewProps) {
  const layout = layoutOf(state);
  const { columns, rows } = state;
  const prompt = promptRows(state, services, theme);
  if (layout.size === 'tiny') return <TinyView state={state} prompt={prompt} theme={theme} />;
  const top: Row[] = [headerRow(state, layout, theme)];
  if (layout.gauges) top.push(gaugeRow(state, layout, theme));
  const caret = state.focus === 'prompt' || state.asking !== undefined;
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      <RowsView rows={top} width={columns} theme={theme} />
      {layout.bands.map((band, at) => (
        // Bands have no identity beyond their place.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <BandView key={at} band={band} state={state} theme={theme} />
      ))}
      <RowsView rows={outputRows(state, layout, theme)} width={columns} theme={theme} />
      <RowsView rows={[jobRow(state, layout, theme)]} width={columns} theme={theme} />
      <PromptView
        text={paintRow(prompt.prompt, theme)}
        caret={caret ? { x: prompt.caretColumn, y: rows - 3 } : undefined}
      />
      <RowsView rows={[prompt.hint, footRow(state, layout, theme)]} width={columns} theme={theme} />
    </Box>
  );
}

function BandView({ band, state, theme }: { band: Band; state: ConsoleState; theme: Theme }) {
  return (
    <Box flexDirection="row" height={band.height} flexShrink={0}>
      {band.columns.map((boxes) => (
        <PanelsView
          key={boxes[0]?.id ?? ''}
          panels={boxes.map((box): DrawnPanel => [box.id, panelInput(state, box, theme)])}
        />
      ))}
    </Box>
  );
}

type DrawnPanel = readonly [PanelId, PanelInput];

/** Panels below each other. A key at the prompt changes nothing in them, so they are drawn when something of theirs is new. */
const PanelsView = memo(
  ({ panels }: { panels: readonly DrawnPanel[] }) => {
    const [, first] = panels[0]!;
    return (
      <RowsView
        rows={panels.flatMap(([id, input]) => drawPanel(id, input))}
        width={first.width}
        theme={first.theme}
      />
    );
  },
  (before, after) =>
    before.panels.length === after.panels.length &&
    before.panels.every(([id, input], at) => {
      const [nextId, nextInput] = after.panels[at]!;
      return id === nextId && sameInput(input, nextInput);
    }),
);

interface TinyViewProps {
  state: ConsoleState;
  prompt: ReturnType<typeof promptRows>;
  theme: Theme;
}

/** A window made too small while the console runs: the prompt still works, and the last output is seen. */
function TinyView({ state, prompt, theme }: TinyViewProps) {
  const { columns, rows } = state;
  const told =
    state.notice !== undefined && state.notice.untilMs > state.nowMs ? `${state.notice.text}; ` : '';
  const note: Row = [
    { text: cut(`${told}${columns}x${rows}: panels need 60x16`, columns, theme.glyphs.more), tone: 'dim' },
  ];
  const room = Math.max(0, rows - 2);
  const { lines } = state.transcript;
  const shown = lines
    .slice(Math.max(0, lines.length - room))
    .map((row): Row => [{ text: cut(rowText(row), columns - 1, theme.glyphs.more), tone: 'plain' }]);
  const filled = [
    ...Array.from({ length: room - shown.length }, (): Row => [{ text: ' ', tone: 'plain' }]),
    ...shown,
  ];
  return (
    <Box flexDirection="column" width={columns} height={rows} overflow="hidden">
      {rows > 1 ? <RowsView rows={[note]} width={columns} theme={theme} /> : null}
      <RowsView rows={filled} width={columns} theme={theme} />
      <PromptView text={paintRow(prompt.prompt, theme)} caret={{ x: prompt.caretColumn, y: rows - 1 }} />
    </Box>
  );
}
