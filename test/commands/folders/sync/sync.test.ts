import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DatameshError } from '../../../../src/errors.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { runLine, testHost } from '../../../support/host.ts';
import { openSides } from './support.ts';

const sides = openSides();
const { at, write, read, files, stored, content, sync, both } = sides;

/** Others run beside it. */
const SLOW_MS = 30_000;

describe('sync one way', { timeout: SLOW_MS }, () => {
  it('puts what is new or changed, deletes what is gone, and leaves alone what is not its own', async () => {
    write('a/one', '1');
    write('a/sub/two ü', '2');
    await sides.engine.put(
      (async function* () {
        yield Buffer.from('other');
      })(),
      { name: 'm/theirs' },
    );
    expect(await sync('a')).toMatchObject({ status: 0, actions: ['upload one', 'upload sub/two ü'] });
    expect(await sync('a')).toMatchObject({ status: 0, actions: [] });
    expect(sides.engine.calls.filter((call) => call === 'put').length).toBe(3);
    write('a/one', '1 changed');
    fs.rmSync(at('a/sub'), { recursive: true });
    expect((await sync('a')).actions).toEqual(['delete-remote sub/two ü', 'upload one']);
    expect(await stored()).toEqual(['one', 'theirs']);
    expect(await content('one')).toBe('1 changed');
    expect(files('a')).toEqual(['one']);
  });

  it('does not send again what the mesh has, even when its own notes are lost or nonsense', async () => {
    write('a/one', '1');
    await sync('a');
    const notes = fs.readdirSync(at('a/.datamesh-sync')).find((name) => name.endsWith('.json'))!;
    for (const text of ['', '{', '{"format":"datamesh sync state","version":1,"files":[["one",{}]]}']) {
      fs.writeFileSync(at(`a/.datamesh-sync/${notes}`), text);
      expect(await sync('a')).toMatchObject({ status: 0, actions: [] });
    }
  });

  it('refuses a pool that there is not before anything, and tells of what could not be synced', async () => {
    write('a/one', '1');
    expect(await sync('a', ['--pool', 'nope'])).toMatchObject({ status: 8, actions: [] });
    const failing: FakeEngine = {
      ...sides.engine,
      put: () => Promise.reject(new DatameshError('too-few-nodes', { what: 'no node takes it' })),
    };
    const result = await sync('a', [], { engine: failing });
    expect(result).toMatchObject({
      status: 3,
      records: [{ action: 'upload', path: 'one', problem: 'no node takes it' }],
      errors: [{ code: 'some-failed', message: expect.stringContaining('1 of 1 could not be synced') }],
    });
    expect(result.host.seen.notes.join()).not.toContain('everything is the same');
  });

  it('changes nothing in a dry run', async () => {
    write('a/one', '1');
    expect(await sync('a', ['--dry-run'])).toMatchObject({ status: 0, actions: ['upload one'] });
    expect(await stored()).toEqual([]);
    expect(fs.readdirSync(at('a'))).toEqual(['one']);
  });

  it('does not delete more than a share without leave', async () => {
    for (let i = 0; i < 20; i++) write(`a/${i}`, `${i}`);
    await sync('a');
    for (let i = 0; i < 10; i++) fs.rmSync(at(`a/${i}`));
    write('a/new', 'new');
    const refused = await sync('a');
    expect(refused.status).toBe(2);
    expect(refused.errors[0]?.code).toBe('confirmation-needed');
    expect((await stored()).length).toBe(20);
    const kept = await sync('a', [], { answer: false });
    expect(kept).toMatchObject({ status: 3, actions: ['upload new'] });
    expect(kept.host.questions).toEqual(['Delete 10 of 20 files?']);
    expect((await stored()).length).toBe(21);
    expect((await sync('a', ['--max-delete', '60'])).status).toBe(0);
    expect((await stored()).length).toBe(11);
  });

  it('takes an emptied folder for a reason to ask, and one without notes for none to delete', async () => {
    for (let i = 0; i < 20; i++) write(`a/${i}`, `${i}`);
    await sync('a');
    fs.rmSync(at('a'), { recursive: true });
    fs.mkdirSync(at('a'));
    expect(await sync('a')).toMatchObject({ status: 0, actions: [] });
    expect((await stored()).length).toBe(20);
  });

  it('follows a link that is the folder itself, and deletes nothing when the folder cannot be read', async () => {
    write('a/one', '1');
    fs.symlinkSync(at('a'), at('link'));
    await sync('link');
    expect(await sync('link')).toMatchObject({ status: 0, actions: [] });
    expect(await stored()).toEqual(['one']);
    const { syncOnce } = await import('../../../../src/commands/folders/sync/run.ts');
    const { exclusion } = await import('../../../../src/engine/backup/exclude.ts');
    const actions: unknown[] = [];
    const state = new Map([['one', { size: 1, mtimeNs: '', ctimeNs: '', inode: '', hash: 'x' }]]);
    // What was a folder may be a file by now, or nothing: as with one that cannot be listed, nothing is known of what is in it.
    for (const root of [at('a/one'), at('nothing')]) {
      actions.length = 0;
      await syncOnce(state, {
        ...{ engine: sides.engine, root, prefix: 'm/', bidirectional: false, exclusion: exclusion([]) },
        ...{ pool: undefined, dryRun: false, parallel: 1, nowMs: 0, node: 'n', nextNumber: () => 0 },
        signal: new AbortController().signal,
        mayDelete: async () => true,
        done: (action) => void actions.push(action),
        keep: async () => {},
        onBytes: () => {},
      });
      expect(actions).toMatchObject([{ step: 'skip', path: '' }]);
      expect(await stored()).toEqual(['one']);
    }
  });

  it('leaves links alone, names what it cannot sync, and deletes nothing below what it cannot read', async () => {
    write('a/sub/x', 'x');
    await sync('a');
    fs.symlinkSync('sub', at('a/link'));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${at('a')}/`), Buffer.from([0xff])]), 'odd');
    fs.rmSync(at('a/sub'), { recursive: true });
    fs.symlinkSync('/tmp', at('a/sub'));
    const odd = await sync('a');
    expect(odd.status).toBe(3);
    expect(odd.records).toMatchObject([{ action: 'skip', problem: 'its name is no UTF-8' }]);
    expect(await stored()).toEqual(['sub/x']);
  });

  it('refuses a second sync of the folder, and a folder that is not there', async () => {
    write('a/one', '1');
    const slow = createFakeEngine({ delayMs: 200 });
    const first = runLine(testHost({ engine: slow }), 'sync', at('a'));
    await vi.waitFor(() => expect(fs.existsSync(at('a/.datamesh-sync/LOCK'))).toBe(true));
    const { status, errors } = await sync('a');
    expect(status).toBe(6);
    expect(errors[0]).toMatchObject({
      code: 'lock-held',
      message: `a sync of ${at('a')} runs already, in process ${process.pid} on ${hostname()}`,
      mend: 'wait until it has ended',
    });
    await first;
    expect((await sync('nothing')).status).toBe(8);
  });
});

describe('sync both ways', { timeout: SLOW_MS }, () => {
  it('takes new files, changes and deletions over to the other folder', async () => {
    write('a/one', '1');
    write('a/two', '2');
    await both('a');
    expect((await both('b')).actions).toEqual(['download one', 'download two']);
    write('b/one', '1 of b');
    fs.rmSync(at('b/two'));
    write('b/deep/three', '3');
    await both('b');
    expect((await both('a')).actions).toEqual(['delete-local two', 'download deep/three', 'download one']);
    expect(files('a')).toEqual(files('b'));
    expect(read('a/one')).toBe('1 of b');
    expect(await both('b')).toMatchObject({ status: 0, actions: [] });
  });

  it('keeps both of two changes, on both sides', async () => {
    write('a/doc.txt', 'base');
    await both('a');
    await both('b');
    write('a/doc.txt', 'of a');
    write('b/doc.txt', 'of b');
    await both('a');
    const conflict = await both('b');
    expect(conflict.actions).toEqual(['conflict doc.txt']);
    const keptAs = conflict.records[0]!.keptAs as string;
    expect(keptAs).toMatch(/^doc \(conflict .*\)\.txt$/);
    await both('a');
    for (const side of ['a', 'b']) {
      expect(read(`${side}/doc.txt`)).toBe('of a');
      expect(read(`${side}/${keptAs}`)).toBe('of b');
    }
  });

  it('keeps both of two changes of a file whose name is as long as a name may be', async () => {
    const name = `${'ü'.repeat(125)}.text`;
    write(`a/${name}`, 'begin');
    await both('a');
    await both('b');
    write(`a/${name}`, 'here');
    write(`b/${name}`, 'there');
    await both('a');
    expect(await both('b')).toMatchObject({ status: 0, actions: [`conflict ${name}`] });
    expect(
      files('b')
        .map((it) => read(`b/${it}`))
        .sort(),
    ).toEqual(['here', 'there']);
  });

  it('takes over a file that became a folder, and a folder that became a file', async () => {
    for (const path of ['x', 'y/one', 'y/sub/two']) write(`a/${path}`, path);
    await both('a');
    await both('b');
    for (const path of ['x', 'y']) fs.rmSync(at(`a/${path}`), { recursive: true });
    for (const path of ['x/in', 'x/sub/in', 'y']) write(`a/${path}`, `new ${path}`);
    expect(await both('a')).toMatchObject({ status: 0 });
    for (const parallel of ['1', '4'])
      expect(await both('b', ['--parallel', parallel])).toMatchObject({ status: 0 });
    expect(files('b')).toEqual(['x/in', 'x/sub/in', 'y']);
    // Where the folder holds something of its own, it stays, and so does that.
    for (const path of ['x', 'y']) fs.rmSync(at(`a/${path}`), { recursive: true });
    write('a/x', 'a file again');
    await both('a');
    write('b/x/own', 'own');
    const kept = await both('b');
    expect(kept.status).toBe(3);
    expect(kept.records.find(({ path }) => path === 'x')?.problem).toContain('"x" cannot be a file');
    expect(read('b/x/own')).toBe('own');
  });

  it('lets a change win over a deletion', async () => {
    for (const name of ['x', 'y']) write(`a/${name}`, 'base');
    await both('a');
    await both('b');
    fs.rmSync(at('a/x'));
    write('b/x', 'changed');
    await both('b');
    await both('a');
    expect(read('a/x')).toBe('changed');
    write('a/y', 'changed');
    fs.rmSync(at('b/y'));
    await both('b');
    await both('a');
    await both('b');
    expect(read('b/y')).toBe('changed');
  });

  it('writes nothing outside the folder, whatever names the mesh has', async () => {
    const parts = ['..', '.', '', 'x', '/etc', '\\', '../..', 'link', 'a\0'];
    const names = parts.flatMap((a) => parts.map((b) => `m/${a}/${b}`)).concat('m/', 'm/..', 'm/ok');
    for (const name of names)
      await sides.engine.put(
        (async function* () {
          yield Buffer.from('evil');
        })(),
        { name },
      );
    fs.mkdirSync(at('outside'));
    fs.symlinkSync(at('outside'), at('a/link'));
    const before = fs.readdirSync(sides.folder).sort();
    const done = await both('a');
    expect(done.status).toBe(3);
    expect(read('a/ok')).toBe('evil');
    expect(fs.readdirSync(sides.folder).sort()).toEqual(before);
    expect(fs.readdirSync(at('outside'))).toEqual([]);
    expect(fs.existsSync(join(sides.folder, '..', 'x'))).toBe(false);
  });

  describe('with another device at work', () => {
    const putOther = (name: string, text: string) =>
      sides.engine.put(
        (async function* () {
          yield Buffer.from(text);
        })(),
        { name: `m/${name}` },
      );
    /** While the first file of a pass is on its way. */
    const meanwhile = (work: () => Promise<unknown>): FakeEngine => {
      let did = false;
      return {
        ...sides.engine,
        async put(source, options, call) {
          if (!did && options.name === 'm/0') {
            did = true;
            await work();
          }
          return await sides.engine.put(source, options, call);
        },
      };
    };
    const pass = (other: FakeEngine) => sync('a', ['--bidirectional', '--parallel', '1'], { engine: other });
    beforeEach(async () => {
      for (const name of ['0', 'x']) write(`a/${name}`, 'base');
      await both('a');
      write('a/0', 'sent first');
    });

    it('deletes nothing in the mesh that was changed there while it ran', async () => {
      fs.rmSync(at('a/x'));
      const done = await pass(meanwhile(() => putOther('x', 'of the other')));
      expect(done).toMatchObject({ status: 3 });
      expect(done.records.find(({ path }) => path === 'x')!.problem).toContain('changed in the mesh');
      expect(await content('x')).toBe('of the other');
      await both('a');
      expect(read('a/x')).toBe('of the other');
    });

    it('keeps both of two changes of which one came while it ran', async () => {
      write('a/x', 'of this one');
      await pass(meanwhile(() => putOther('x', 'of the other')));
      expect(await content('x')).toBe('of the other');
      const { records } = await both('a');
      const keptAs = records[0]!.keptAs as string;
      expect([read('a/x'), read(`a/${keptAs}`)]).toEqual(['of the other', 'of this one']);
    });

    it('tells of a version that came while its own was on the way', async () => {
      const done = await pass(meanwhile(() => putOther('0', 'of the other')));
      expect(done.status).toBe(3);
      expect(done.records[0]!.problem).toContain('version 2 came into the mesh');
    });

    it('deletes no file that came back to the mesh while it ran', async () => {
      await sides.engine.names.hide('m/x');
      await pass(meanwhile(() => putOther('x', 'base')));
      expect(read('a/x')).toBe('base');
    });

    it('takes a deletion for one of what was there when it was made', async () => {
      write('a/x', 'changed');
      await both('a');
      // The other device deleted version 1 and had not heard of version 2: the merge of their catalogs can end like this.
      await sides.engine.names.hide('m/x');
      const versions: FakeEngine['names']['versions'] = async (ref) => {
        const found = await sides.engine.names.versions(ref);
        if (ref !== 'm/x') return found;
        const states = ['old', 'deleted'] as const;
        return { ...found, versions: found.versions.map((it, i) => ({ ...it, state: states[i]! })) };
      };
      const done = await pass({ ...sides.engine, names: { ...sides.engine.names, versions } });
      expect(done.actions).toContain('upload x');
      expect([read('a/x'), await content('x')]).toEqual(['changed', 'changed']);
      // One that was of the newest is taken over.
      await sides.engine.names.hide('m/x');
      expect((await both('a')).actions).toEqual(['delete-local x']);
    });

    it('deletes nothing for a catalog that knows nothing at all', async () => {
      sides.forget();
      const done = await sync('a', ['--bidirectional', '--yes']);
      expect(done.errors[0]).toMatchObject({ code: 'not-found', mend: expect.stringContaining('recover') });
      expect(files('a')).toEqual(['0', 'x']);
    });

    it('keeps every one of several conflicts of one second', async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const texts: string[] = [];
      for (const round of [1, 2]) {
        write('a/x', `here ${round}`);
        await putOther('x', `there ${round}`);
        const { records } = await both('a');
        texts.push(...records.flatMap(({ keptAs }) => (keptAs === undefined ? [] : [read(`a/${keptAs}`)])));
      }
      vi.useRealTimers();
      expect(texts).toEqual(['here 1', 'here 2']);
      expect(
        files('a')
          .filter((it) => it.includes('conflict'))
          .map((it) => read(`a/${it}`))
          .sort(),
      ).toEqual(texts);
    });
  });

  it('follows changes while it watches', async () => {
    const stop = new AbortController();
    const it = testHost({ engine: sides.engine, signal: stop.signal });
    write('a/one', '1');
    const watching = runLine(it, 'sync', at('a'), '--to', 'm', '--watch');
    await vi.waitFor(async () => expect(await stored()).toEqual(['one']), { timeout: 10_000 });
    write('a/sub/two', '2');
    await vi.waitFor(async () => expect(await stored()).toEqual(['one', 'sub/two']), { timeout: 10_000 });
    fs.rmSync(at('a/one'));
    await vi.waitFor(async () => expect(await stored()).toEqual(['sub/two']), { timeout: 10_000 });
    stop.abort();
    expect(await watching).toBe(130);
    expect(fs.existsSync(at('a/.datamesh-sync/LOCK'))).toBe(false);
  }, 30_000);
});
