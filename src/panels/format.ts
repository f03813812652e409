/** Figures in fixed widths, so that columns do not jump while they change. */

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'];

function scale(value: number, base: number, units: readonly string[]): string {
  let at = 0;
  let rest = value;
  // 999.5 would be shown as 1000: go to the next unit first.
  while (at < units.length - 1 && rest >= (base === 1024 ? 1023.5 : 999.5)) {
    rest /= base;
    at++;
  }
  const digits = at === 0 || rest >= 99.95 ? 0 : 1;
  return `${rest.toFixed(digits)} ${units[at]}`;
}

/** "71.2 GiB" */
export function bytesText(bytes: number): string {
  return scale(bytes, 1024, BINARY);
}

/** "11.8 MB/s"; rates are decimal as networks count them. */
export function rateText(bytesPerSecond: number): string {
  return scale(bytesPerSecond, 1000, DECIMAL);
}

/** "38ms", "1.2s" */
export function latencyText(ms: number): string {
  if (ms < 0.95) return '<1ms';
  return ms < 999.5 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

/** Two units at most: "3d04h", "4m05s", "12s". */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** "00:12", "1:02:33" for what is left of a job. */
export function etaText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** "4s", "2m", "3h", "5d": one unit. */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Never rounds up to 100 % what is not whole. */
export function percentText(share: number, digits = 0): string {
  const power = 10 ** digits;
  const percent = share >= 1 ? 100 : Math.floor(share * 100 * power) / power;
  return `${percent.toFixed(digits)}%`;
}

/** Thousands set apart: "10 412". */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Local wall clock, "12:04:07". */
export function clockText(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Long ids by both ends: "12D3..a9f1". */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}..${id.slice(-4)}`;
}
