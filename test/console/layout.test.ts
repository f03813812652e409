import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxOf, layoutFor, visiblePanels } from '../../src/console/layout.ts';
import { chooseSurface } from '../../src/console/surface.ts';
import { PANELS } from '../../src/panels/panel.ts';

const wish = fc.record({
  columns: fc.integer({ min: 60, max: 300 }),
  rows: fc.integer({ min: 16, max: 120 }),
  panel: fc.constantFrom(...PANELS),
  panelFocused: fc.boolean(),
  zoomed: fc.boolean(),
});

describe('layout', () => {
  it('uses every row and column exactly, and keeps six rows of output', () => {
    fc.assert(
      fc.property(wish, (each) => {
        const layout = layoutFor(each);
        const bands = layout.bands.reduce((sum, band) => sum + band.height, 0);
        expect(1 + (layout.gauges ? 1 : 0) + bands + layout.outputHeight + 4).toBe(each.rows);
        for (const band of layout.bands) {
          expect(band.columns.reduce((sum, column) => sum + (column[0]?.width ?? 0), 0)).toBe(each.columns);
          for (const column of band.columns) {
            expect(column.reduce((sum, box) => sum + box.height, 0)).toBe(band.height);
            for (const box of column) expect(box.height).toBeGreaterThanOrEqual(4);
          }
        }
        // Only a focused panel on a very low screen may take the output's place.
        if (layout.outputHeight > 0) expect(layout.outputHeight).toBeGreaterThanOrEqual(8);
        else expect(each.panelFocused).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('shows the focused panel where it can only show one', () => {
    for (const panel of PANELS) {
      expect(
        visiblePanels(layoutFor({ columns: 80, rows: 24, panel, panelFocused: true, zoomed: false })),
      ).toEqual([panel]);
    }
    expect(
      visiblePanels(
        layoutFor({ columns: 200, rows: 50, panel: 'peers', panelFocused: false, zoomed: false }),
      ),
    ).toEqual([...PANELS]);
    expect(
      boxOf(layoutFor({ columns: 120, rows: 40, panel: 'jobs', panelFocused: true, zoomed: true }), 'jobs')
        ?.width,
    ).toBe(120);
  });
});

describe('surface', () => {
  const facts = { stdinIsTty: true, stdoutIsTty: true, columns: 80, rows: 24, env: {}, plain: false };

  it('is the full screen, also under CI, unless something speaks against it', () => {
    expect(chooseSurface(facts).kind).toBe('screen');
    expect(chooseSurface({ ...facts, env: { CI: 'true' } }).kind).toBe('screen');
    expect(chooseSurface({ ...facts, plain: true })).toEqual({ kind: 'line', reason: undefined });
    expect(chooseSurface({ ...facts, env: { ACCESSIBLE: '1' } }).kind).toBe('line');
    expect(chooseSurface({ ...facts, env: { TERM: 'dumb' } })).toMatchObject({
      kind: 'line',
      reason: 'TERM is dumb',
    });
    expect(chooseSurface({ ...facts, columns: 59 })).toMatchObject({
      kind: 'line',
      reason: expect.stringContaining('59x24'),
    });
    expect(chooseSurface({ ...facts, stdoutIsTty: false }).kind).toBe('none');
  });
});
