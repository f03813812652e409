/** `config edit` with an editor that other processes do not wait for. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup, LAUNCHER } from '../support/cli.ts';
import { ptyProgram } from '../support/pty.ts';

let cli: CliSetup;
let path = '';
let before = '';
beforeAll(async () => {
  cli = await cliSetup({});
  path = join(cli.folder, 'config.json');
  before = `${JSON.stringify(JSON.parse(await readFile(path, 'utf8')), null, 2)}\n`;
});
beforeEach(async () => {
  await writeFile(path, before);
  for (const copy of ['.edit', '.edit.from']) await rm(path + copy, { force: true });
});
afterAll(() => cli.close());

const set = (key: string, value: string) =>
  `'${process.execPath}' '${LAUNCHER}' config set ${key} ${value} > /dev/null`;
const put = (key: string, value: string) => `sed -i 's|"${key}": [^,]*|"${key}": ${value}|' "$1"`;

/** @param script what the editor does to its file, in the shell */
async function edit(script: string, ...more: string[]) {
  const editor = join(cli.folder, 'editor.sh');
  await writeFile(editor, `#!/bin/sh\n${script}\n`);
  await chmod(editor, 0o700);
  const env = { ...cli.env, EDITOR: editor, VISUAL: undefined };
  const pty = ptyProgram(process.execPath, [LAUNCHER, 'config', 'edit', ...more], { env, columns: 200 });
  const { code } = await pty.exited;
  const text = pty.text();
  await pty.close();
  return { code, text };
}

const config = async (file = path) => JSON.parse(await readFile(file, 'utf8')) as Record<string, never>;

describe('config edit', { timeout: 60_000 }, () => {
  it('keeps what another process changed while the editor was open', async () => {
    const { code } = await edit([put('zone', '"mine"'), set('network.rack', 'theirs')].join('\n'));
    expect(code).toBe(0);
    expect(await config()).toMatchObject({ network: { zone: 'mine', rack: 'theirs' } });
  });

  it('refuses where both changed one field, and takes the copy the next time', async () => {
    const both = [put('zone', '"mine"'), put('rack', '"r"'), set('network.zone', 'theirs')].join('\n');
    const refused = await edit(both);
    expect(refused).toMatchObject({ code: 6, text: expect.stringContaining('network.zone was changed') });
    expect(await config()).toMatchObject({ network: { zone: 'theirs', rack: '' } });
    expect((await edit(set('metrics.port', '9'))).code).toBe(0);
    expect(await config()).toMatchObject({ network: { zone: 'mine', rack: 'r' }, metrics: { port: 9 } });
  });

  it('goes on with a copy that did not pass, and reverts nothing that was changed since', async () => {
    expect((await edit([put('zone', '"mine"'), put('k', '-5')].join('\n'))).code).toBe(4);
    expect((await cli.run(['config', 'set', 'network.rack', 'later'])).status).toBe(0);
    expect((await edit(put('k', '4'))).code).toBe(0);
    expect(await config()).toMatchObject({ network: { zone: 'mine', rack: 'later' } });
    await expect(readFile(`${path}.edit`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps the edits of a dry run, and does not take an unknown copy for new', async () => {
    expect((await edit(put('zone', '"mine"'), '--dry-run')).code).toBe(0);
    expect(await readFile(path, 'utf8')).toBe(before);
    expect(await config(`${path}.edit`)).toMatchObject({ network: { zone: 'mine' } });
    await rm(`${path}.edit.from`);
    expect((await edit('true')).code).toBe(6);
    expect(await readFile(path, 'utf8')).toBe(before);
  });
});
