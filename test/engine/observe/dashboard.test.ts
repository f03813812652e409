/** The dashboard draws each figure in a unit of its own kind. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Panel {
  title: string;
  fieldConfig?: {
    defaults: { unit: string };
    overrides: { matcher: { options: string }; properties: { id: string; value: unknown }[] }[];
  };
  targets?: { expr: string; legendFormat: string }[];
}

/** Grafana takes what stands between slashes as a pattern, all else as the whole name. */
function unitOf({ fieldConfig }: Panel, legend: string): unknown {
  const own = fieldConfig!.overrides.find(({ matcher }) =>
    new RegExp(/^\/(.*)\/$/.exec(matcher.options)?.[1] ?? `^${matcher.options}$`).test(legend),
  );
  return own?.properties.find(({ id }) => id === 'unit')?.value ?? fieldConfig!.defaults.unit;
}

it('bytes a second are of bytes, and bytes a second alone', () => {
  const { panels } = JSON.parse(readFileSync('ops/grafana-dashboard.json', 'utf8')) as { panels: Panel[] };
  const rates = panels.flatMap((panel) =>
    (panel.targets ?? [])
      .filter(({ expr }) => /\brate\((?!\w+_bucket)/.test(expr) && !expr.includes(' / '))
      .map(({ expr, legendFormat }) => ({
        of: `${panel.title}: ${legendFormat}`,
        bytes: expr.includes('_bytes_total'),
        unit: unitOf(panel, legendFormat),
      })),
  );
  expect(rates.length).toBeGreaterThan(10);
  expect(rates.filter(({ bytes, unit }) => bytes !== (unit === 'Bps'))).toEqual([]);
});
