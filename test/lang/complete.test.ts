import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CompletionSources, complete, completeWords } from '../../src/lang/complete.ts';
import { completePath } from '../../src/lang/complete-paths.ts';
import { parse } from '../../src/lang/parser.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const sources: CompletionSources = {
  objects: async () => [
    { value: 'holiday.mp4' },
    { value: 'my file' },
    { value: "it's" },
    { value: 'work/report.pdf' },
  ],
  paths: async () => [{ value: './a b.txt' }, { value: './folder/', partial: true }],
  variables: () => ['DAY', 'DATE'],
};

async function values(line: string): Promise<string[]> {
  return (await complete(line, line.length, { registry, sources })).items.map((item) => item.value);
}

describe('complete', () => {
  it.each([
    ['pu', ['put']],
    ['', ['put', 'get', 'list']],
    ['sta', ['stat', 'stats', 'status']],
    ['list --so', ['--sort']],
    ['list --sort ', ['created', 'name', 'size']],
    ['list --sort=s', ['--sort=size']],
    ['list -s s', ['size']],
    ['get ho', ['holiday.mp4']],
    ['get rep', ['work/report.pdf']],
    ['list; get ho', ['holiday.mp4']],
    ['list && get ho', ['holiday.mp4']],
    ['put ./a', ['./a b.txt']],
    ['get holiday.mp4 ./f', ['./folder/']],
    ['delete holiday.mp4 it', ["it's"]],
    ['list | he', ['head']],
    ['put $DA', ['DATE', 'DAY']],
    ['help pee', ['peers']],
    ['completion z', ['zsh']],
  ])('%j', async (line, expected) => {
    expect(await values(line)).toEqual(expect.arrayContaining(expected));
  });

  it('puts a prefix before what is merely like it', async () => {
    expect((await values('st'))[0]).toBe('stat');
    expect((await values('list --r'))[0]).toBe('--reverse');
  });

  it('offers no option twice, and none after --', async () => {
    expect(await values('list --reverse --re')).not.toContain('--reverse');
    expect(await values('put -- --na')).not.toContain('--name');
    expect(await values('put --tags a --ta')).toContain('--tags');
  });

  it('does not offer hidden commands', async () => {
    expect(await values('__')).toEqual([]);
  });

  it('inserts words that read back as the value', async () => {
    const { items, start } = await complete('info ', 5, { registry, sources });
    expect(start).toBe(5);
    for (const { value, insert } of items.filter((item) => item.kind === 'object')) {
      const { commands } = parse(`info ${insert}`, { registry });
      expect(commands[0]?.values.object).toBe(value);
    }
  });

  it('leaves a folder open for more', async () => {
    const { items } = await complete('put ./fo', 8, { registry, sources });
    expect(items[0]).toMatchObject({ insert: './folder/' });
  });

  it('completes nothing when a source fails', async () => {
    const failing = { objects: () => Promise.reject(new Error('no service')) };
    expect((await complete('get ', 4, { registry, sources: failing })).items).toEqual([]);
  });

  it('completes the words of a shell', async () => {
    const items = await completeWords(['list', '--sort', 'na'], { registry, sources });
    expect(items.map((item) => item.value)).toEqual(['name']);
  });

  it('goes on behind a command that takes a line', async () => {
    expect(await values('time hea')).toContain('health');
    expect(await values('watch 2s list --so')).toContain('--sort');
    expect(await values('explain list --sort na')).toEqual(['name']);
  });

  it('D.9-46: knows every option of every command', async () => {
    for (const command of registry.commands.filter((each) => !each.hidden && !each.takesLine)) {
      for (const option of command.options) {
        const found = await values(`${command.path.join(' ')} --${option.name}`);
        expect(found, command.path.join(' ')).toContain(`--${option.name}`);
      }
    }
  });
});

describe('completePath', () => {
  it('lists a folder, hidden entries only when asked', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'datamesh-complete-'));
    try {
      await mkdir(join(folder, 'sub'));
      await writeFile(join(folder, 'a b'), '');
      await writeFile(join(folder, '.hidden'), '');
      const names = async (prefix: string) =>
        (await completePath(prefix, folder)).map((item) => item.value).sort();
      expect(await names('')).toEqual(['a b', 'sub/']);
      expect(await names('./')).toEqual(['./a b', './sub/']);
      expect(await names('.h')).toContain('.hidden');
      expect(await names(`${folder}/s`)).toContain(`${folder}/sub/`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
