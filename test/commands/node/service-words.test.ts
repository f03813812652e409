import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { serviceFile } from '../../../src/commands/node/service-files.ts';
import { inServiceWords, serviceWords, wordsOfProcess } from '../../../src/commands/node/service-words.ts';
import { DatameshError } from '../../../src/errors.ts';

const HAND = 'datamesh service stop && datamesh service start';
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dm-words-'));
});
afterEach(() => rmSync(home, { recursive: true }));

it('of a node that runs: its own command, or systemd by whatever unit it has', () => {
  const of = (path: string, environ = '') => wordsOfProcess(7, `0::${path}\n`, environ).restart;
  expect(of('/user.slice/user-1000.slice/session-3.scope')).toBe(HAND);
  expect(of('/system.slice/cron.service', 'SYSTEMD_EXEC_PID=5\0HOME=/')).toBe(HAND);
  expect(wordsOfProcess(7, '', '').restart).toBe(HAND);
  expect(of('/system.slice/datamesh.service')).toBe('systemctl restart datamesh.service');
  expect(of('/user.slice/user-1000.slice/user@1000.service/app.slice/datamesh.service')).toBe(
    'systemctl --user restart datamesh.service',
  );
  expect(of('/system.slice/storage.service', 'HOME=/\0SYSTEMD_EXEC_PID=7')).toBe(
    'systemctl restart storage.service',
  );
});

it('of a node that is stopped: the unit for its folder, whatever it is called, or the property list', async () => {
  const units = join(home, 'units', 'systemd', 'user');
  mkdirSync(units, { recursive: true });
  const run = 'ExecStart=/usr/bin/node /opt/datamesh/bin/datamesh service run --config /c.json --data-dir';
  writeFileSync(join(units, 'datamesh.service'), `${run} /srv/mesh\nUser=x\n`);
  writeFileSync(join(units, 'second.service'), `${run}="/srv/mesh 2" --no-input\n`);
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, 'units') };
  const start = async (folder: string) => (await serviceWords(folder, env, 'systemd')).start;
  expect(await start('/srv/mesh')).toBe('systemctl --user start datamesh.service');
  expect(await start('/srv/mesh 2')).toBe('systemctl --user start second.service');
  expect(await start('/srv/mes')).toBe('datamesh service start');

  const where = { manager: 'launchd', scope: 'user', user: undefined, passphraseFile: undefined } as const;
  const file = {
    ...where,
    node: '/n',
    launcher: '/l',
    config: '/c',
    background: false,
    name: 'n',
    writes: [],
  };
  const agents = join(home, 'Library', 'LaunchAgents');
  mkdirSync(agents, { recursive: true });
  const path = join(agents, 'io.github.datamesh.node.plist');
  writeFileSync(path, serviceFile({ ...file, dataDir: '/Users/a & b/mesh' }));
  const words = await serviceWords('/Users/a & b/mesh', env, 'launchd');
  expect(words.stop).toMatch(/^launchctl bootout gui\/\d+\/io.github.datamesh.node$/);
  expect(words.start).toMatch(/^launchctl bootstrap gui\/\d+ \//);
  expect((await serviceWords('/Users/a', env, 'launchd')).restart).toBe(HAND);
});

it('an error that says how to stop or start the node says it so, and nothing else of it changes', async () => {
  const units = join(home, 'systemd', 'user');
  mkdirSync(units, { recursive: true });
  const text = `ExecStart=/n /d service run --data-dir ${home}\n`;
  writeFileSync(join(units, 'datamesh.service'), text);
  const context = {
    env: { XDG_CONFIG_HOME: home },
    config: async () => ({ node: { dataDir: home } }) as never,
  };
  const mendOf = async (mend: string) =>
    (
      await inServiceWords(
        new DatameshError('timeout', { what: 'x', why: 'y', mend, details: { a: 1 } }),
        context,
      )
    ).toRecord();
  expect(await mendOf(`try again; if it stays so: ${HAND}`)).toMatchObject({
    what: 'x',
    why: 'y',
    mend: 'try again; if it stays so: systemctl --user restart datamesh.service',
    details: { a: 1 },
  });
  expect((await mendOf('start it: datamesh service start')).mend).toBe(
    'start it: systemctl --user start datamesh.service',
  );
});
