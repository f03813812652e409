/** What a service logs: levels, JSON, and files that stay within bounds. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  boundedLog,
  jsonWriter,
  readableLine,
  type ServiceEvent,
  textWriter,
} from '../../../src/commands/node/service-events.ts';

const AT_MS = Date.UTC(2026, 10, 21, 10, 0, 0);
const event = (level: ServiceEvent['level'], text: string): ServiceEvent => ({
  atMs: AT_MS,
  level,
  source: 'mesh',
  text,
});

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('events of a service', () => {
  it('are written from their level on, which may change meanwhile', () => {
    const lines: string[] = [];
    const writer = textWriter('warn', (line) => lines.push(line));
    for (const level of ['debug', 'info', 'warn', 'error'] as const) writer.write(event(level, level));
    writer.level = 'debug';
    writer.write(event('debug', 'now'));
    expect(lines).toEqual([
      '2026-11-21T10:00:00.000Z warn  mesh: warn',
      '2026-11-21T10:00:00.000Z error mesh: error',
      '2026-11-21T10:00:00.000Z debug mesh: now',
    ]);
  });

  it('are one JSON object a line, whatever stands in them, and readable again', async () => {
    const lines: string[] = [];
    const writer = await jsonWriter('info', 'alder', { write: (line) => lines.push(line) });
    const odd = 'a "b"\n%s \u001b[31m é';
    writer.write(event('warn', odd));
    writer.write(event('debug', 'not'));
    expect(lines).toHaveLength(1);
    expect(lines[0]!.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      node: 'alder',
      time: '2026-11-21T10:00:00.000Z',
      source: 'mesh',
      msg: odd,
    });
    // One line here too: what a peer or a file says must not look like an event of its own.
    const shown = '2026-11-21T10:00:00.000Z warn  mesh: a "b"\\n%s \\e[31m é';
    expect(readableLine(lines[0]!)).toBe(shown);
    const text: string[] = [];
    textWriter('info', (line) => text.push(line)).write(event('warn', odd));
    expect(text).toEqual([shown]);
    for (const other of ['error[DM-5005]: no', '{"level":1}', '{half', ''])
      expect(readableLine(other)).toBe(other);
  });
});

describe('the log file', () => {
  it('is put aside when it is full, five times at most, and never grows beyond', () => {
    const path = join(folder, 'service.log');
    // As `service start` opens it.
    const descriptor = openSync(path, 'a', 0o600);
    const log = boundedLog(path, descriptor, 1000);
    for (let i = 0; i < 200; i++) log.write(`${String(i).padStart(99, '.')}\n`);
    // What others of the process say there, such as a crash, comes after it, in the same file.
    writeSync(descriptor, 'crash\n');
    log.write('last\n');
    closeSync(descriptor);
    for (const name of ['', '.1', '.2', '.3', '.4', '.5']) {
      expect(statSync(path + name).size, name).toBeLessThanOrEqual(1200);
      expect(statSync(path + name).mode & 0o777).toBe(0o600);
    }
    expect(existsSync(`${path}.6`)).toBe(false);
    expect(readFileSync(path, 'utf8').endsWith('crash\nlast\n')).toBe(true);
    // No line is lost or twice among those that are kept.
    const kept = ['.5', '.4', '.3', '.2', '.1', '']
      .flatMap((name) => readFileSync(path + name, 'utf8').split('\n'))
      .filter((line) => line.startsWith('.'))
      .map((line) => Number(line.replaceAll('.', '')));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 200 - kept.length + i));
    expect(kept.length).toBeGreaterThan(50);
  });

  it('costs none of the older ones where there is no room to put it aside, and still has its bound', () => {
    const path = join(folder, 'service.log');
    for (const number of [1, 2, 3, 4, 5]) writeFileSync(`${path}.${number}`, `older ${number}\n`);
    // As a full disk, no copy can be made.
    mkdirSync(`${path}.new`);
    const descriptor = openSync(path, 'a', 0o600);
    const log = boundedLog(path, descriptor, 1000);
    for (let i = 0; i < 15; i++) log.write(`${String(i).padStart(99, '.')}\n`);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(16);
    for (let i = 0; i < 100; i++) log.write(`${String(i).padStart(99, '.')}\n`);
    closeSync(descriptor);
    expect(statSync(path).size).toBeLessThanOrEqual(2200);
    for (const number of [1, 2, 3, 4, 5])
      expect(readFileSync(`${path}.${number}`, 'utf8')).toBe(`older ${number}\n`);
  });

  it('goes on with a log that was long already', () => {
    const path = join(folder, 'service.log');
    const before = openSync(path, 'a', 0o600);
    writeSync(before, `${'x'.repeat(5000)}\n`);
    boundedLog(path, before, 1000).write('new\n');
    closeSync(before);
    expect(readFileSync(path, 'utf8')).toBe('new\n');
    expect(statSync(`${path}.1`).size).toBe(5001);
  });
});
