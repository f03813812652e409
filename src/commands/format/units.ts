/** Figures as people read them. Binary units, three digits; the raw number is what JSON gives. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** 1536 → "1.50 KiB"; whole bytes have no decimals. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–';
  let value = Math.abs(bytes);
  let unit = 0;
  // 1023.95 would be shown as "1024 KiB": go on to the next unit where rounding gets there.
  while (value >= 999.5 && unit + 1 < UNITS.length) {
    value /= 1024;
    unit++;
  }
  const digits =
    unit === 0
      ? String(Math.round(value))
      : value < 9.995
        ? value.toFixed(2)
        : value < 99.95
          ? value.toFixed(1)
          : value.toFixed(0);
  return `${bytes < 0 ? '-' : ''}${digits} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** 850 → "850ms", 12 300 → "12.3s", 187 000 → "3m07s", 277 200 000 → "3d05h". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 10) return `${Number(ms.toFixed(1))}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** Local time in ISO order: "2026-11-21 10:00:00". TZ decides the zone. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '–';
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A share of 1: 0.9921 → "99.2%"; what is not whole is never rounded to 100, nor what is too much, nor what is something to 0. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const tenths = Math.round(share * 1000);
  if (tenths === 0 && share > 0) return '<0.1%';
  const shown = tenths !== 1000 ? tenths : share < 1 ? 999 : share > 1 ? 1001 : 1000;
  return `${(shown / 10).toFixed(1)}%`;
}

/** First digits of a long id, enough to be given back as a prefix. */
export function shortId(id: string): string {
  return id.startsWith('12D3KooW') ? `…${id.slice(-8)}` : id.length > 16 ? `${id.slice(0, 12)}…` : id;
}

/** "1 node", "2 nodes". */
export function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
