/** The tutorial: a mesh in a temporary folder, and its lessons run there by the commands themselves. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatameshError, EXIT } from '../../../errors.ts';
import { parse } from '../../../lang/parser.ts';
import type { ParsedCommand } from '../../../lang/types.ts';
import { wholeRegistry } from '../../all.ts';
import type { Context, OutputRecord } from '../../command.ts';
import { executeParsed, type Host, type RunOutput } from '../../execute.ts';
import { chooseColumns } from '../../format/columns.ts';
import { errorLine } from '../../format/error-line.ts';
import { singleLines, tableLines } from '../../format/table.ts';
import { type DemoMesh, openDemoMesh, startNodes, untilAllMet } from '../demo/nodes.ts';
import { LESSONS, type Lesson } from './lessons.ts';

const NODES = 4;
const CODE = { k: 2, m: 1 };
const KILLED = 'node-3';
/** Eight stripes: of one, a node of four has nothing in a quarter of all runs, and nobody would miss the one that is killed. */
const HOLIDAY_BYTES = 32 * 1024 * 1024;
const QUOTA_BYTES = 1024 ** 3;
/** What `cat` shows is a text of some lines. */
const MAX_TEXT_BYTES = 4096;
/** Of a pipe or file; a terminal is asked for its own. */
const COLUMNS = 100;

/** The exit status. Leaves nothing behind, however it ends. */
export async function runTutorial(context: Context): Promise<number> {
  const { out, env, signal } = context;
  if (!(await context.confirm(`Start ${NODES} nodes in a temporary folder?`))) return EXIT.ok;
  const mesh = await openDemoMesh();
  try {
    out.note(`starting ${NODES} nodes in ${mesh.folder} …`);
    const quota = { nodes: NODES, code: CODE, quotaBytes: QUOTA_BYTES };
    await startNodes(mesh, { ...quota, env, signal, tied: true });
    await untilAllMet(mesh, signal);
    const cwd = join(mesh.folder, 'files');
    await mkdir(cwd);
    await writeFile(join(cwd, 'holiday.bin'), randomBytes(HOLIDAY_BYTES));
    await writeFile(join(cwd, 'notes.txt'), 'The first version of my notes.\n');
    for (const [at, lesson] of LESSONS.entries()) {
      signal.throwIfAborted();
      out.note(`\n${at + 1}/${LESSONS.length} ${lesson.title}\n${lesson.say}\n\n  datamesh ${lesson.line}\n`);
      if (!(await context.confirm('Run it? (no ends the tutorial)'))) return EXIT.ok;
      await prepare(lesson, mesh, cwd);
      const status = await runLesson(context, lesson, at + 1, mesh, cwd);
      if (status === EXIT.ok) continue;
      throw new DatameshError(signal.aborted ? 'cancelled' : 'failed', {
        what: `'${lesson.line}' ended with ${status}`,
        mend: 'run it again; if it fails again it is a defect of datamesh or a machine too small for four nodes',
      });
    }
    out.note('\nThat was it. The nodes and their folder go now. Your own: datamesh init');
    return EXIT.ok;
  } finally {
    await mesh.close(false);
  }
}

async function prepare({ before }: Lesson, mesh: DemoMesh, cwd: string): Promise<void> {
  if (before === 'kill') mesh.kill(mesh.nodes.find(({ name }) => name === KILLED)!);
  if (before === 'rewrite') {
    const path = join(cwd, 'notes.txt');
    await writeFile(path, `${await readFile(path, 'utf8')}And the second one.\n`);
  }
}

async function runLesson(
  context: Context,
  lesson: Lesson,
  number: number,
  mesh: DemoMesh,
  cwd: string,
): Promise<number> {
  const registry = wholeRegistry();
  const [parsed] = parse(lesson.line, { registry }).commands;
  if (parsed === undefined) throw new DatameshError('internal', { what: `no command: ${lesson.line}` });
  const { engine, configPath } = mesh.nodes[0]!;
  const records: OutputRecord[] = [];
  const host: Host = {
    mode: context.mode,
    interactive: context.interactive,
    cwd,
    env: {},
    width: COLUMNS,
    signal: context.signal,
    output: (shown) => lessonOutput(context, shown, records),
    stdin: () => context.stdin(),
    config: () => context.config(),
    configPath: () => configPath,
    engine: async () => engine,
    service: async () => engine,
    confirm: async () => true,
    secret: async () => undefined,
  };
  const startedMs = performance.now();
  const status = await executeParsed(parsed, host);
  const ms = Math.round(performance.now() - startedMs);
  const { title, line } = lesson;
  if (context.options.json) context.out.record({ lesson: number, title, line, status, ms, records });
  return status;
}

/** As the command's own output on a terminal; for programs the records are kept. */
function lessonOutput({ out, options }: Context, parsed: ParsedCommand, records: OutputRecord[]): RunOutput {
  const { command } = parsed;
  let text = '';
  return {
    record: (record) => void records.push(record),
    note: (line) => out.note(line),
    warn: (line) => out.warn(line),
    async bytes(chunk) {
      if (text.length < MAX_TEXT_BYTES) text += Buffer.from(chunk).toString();
    },
    progress: (label, progress) => out.progress(label, progress),
    error: (error) => out.warn(errorLine(error)),
    async end() {
      if (text !== '') out.note(text.trimEnd());
      if (options.json || records.length === 0) return;
      const filtered = parsed.filters.length > 0;
      const columns = chooseColumns(filtered ? [] : (command.columns ?? []), undefined, records);
      const lines =
        command.shape === 'single' && !filtered
          ? records.flatMap((record) => singleLines(record, columns))
          : await tableLines(records, columns, { width: COLUMNS, header: true, color: false });
      for (const line of lines) out.note(line);
    },
  };
}
