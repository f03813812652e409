import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MARK, type ServiceFile, serviceFile } from '../../../src/commands/node/service-files.ts';
import { type Home, jsonLines, makeHome } from '../../support/bin.ts';
import { LAUNCHER, type RunOptions, runCli } from '../../support/cli.ts';

let home: Home;
beforeEach(() => {
  home = makeHome();
  mkdirSync(join(home.folder, 'bin'));
});
afterEach(() => home.remove());

const unitPath = () => join(home.folder, '.config/systemd/user/datamesh.service');
const calls = () => join(home.folder, 'calls');

/** A manager that writes down what it was asked to do, and answers with this status. */
function fakeManager(status = 0): void {
  for (const name of ['systemctl', 'launchctl']) {
    const path = join(home.folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>'${calls()}'\necho 'no bus' >&2\nexit ${status}\n`, {
      mode: 0o755,
    });
  }
}

function run(argv: readonly string[], options: RunOptions = {}) {
  return runCli(argv, {
    cwd: home.folder,
    ...options,
    env: {
      HOME: home.folder,
      DATAMESH_CONFIG: home.configPath,
      PATH: `${join(home.folder, 'bin')}:${process.env.PATH}`,
    },
  });
}

describe('service install', () => {
  it('writes a unit and has it started; again; and takes it away', async () => {
    fakeManager();
    for (let times = 0; times < 2; times++) {
      const { status, stdout, stderr } = await run(['service', 'install', '--manager', 'systemd', '--json']);
      expect(status, stderr).toBe(0);
      expect(jsonLines(stdout)[0]).toMatchObject({
        manager: 'systemd',
        scope: 'user',
        path: unitPath(),
        state: 'installed and started',
      });
    }
    const text = readFileSync(unitPath(), 'utf8');
    expect(text).toContain(
      `ExecStart=${process.execPath} --max-semi-space-size=8 --min-semi-space-size=8 ${LAUNCHER} service run --no-input --config ${home.configPath} --data-dir ${home.dataDir}\n`,
    );
    expect(text).toContain('WantedBy=default.target');
    expect(statSync(unitPath()).mode & 0o777).toBe(0o644);
    expect(readFileSync(calls(), 'utf8').split('\n').slice(0, 3)).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable datamesh.service',
      'systemctl --user restart datamesh.service',
    ]);
    writeFileSync(calls(), '');
    expect((await run(['service', 'uninstall', '--manager', 'systemd'])).status).toBe(0);
    expect(existsSync(unitPath())).toBe(false);
    expect(readFileSync(calls(), 'utf8')).toBe(
      'systemctl --user disable --now datamesh.service\nsystemctl --user daemon-reload\n',
    );
    expect((await run(['service', 'uninstall', '--manager', 'systemd'])).status).toBe(8);
  });

  it('touches nothing with --print, --dry-run, or in the way of a file of somebody else', async () => {
    fakeManager();
    const printed = await run(['service', 'install', '--print', '--manager', 'systemd']);
    expect(printed.stdout).toMatch(new RegExp(`^# ${MARK}.*\\n\\[Unit\\]\\n`));
    const dry = await run(['service', 'install', '--dry-run', '--json', '--manager', 'systemd']);
    expect(jsonLines(dry.stdout)[0]).toMatchObject({
      dryRun: true,
      text: printed.stdout,
      run: [
        'systemctl --user daemon-reload',
        'systemctl --user enable datamesh.service',
        'systemctl --user restart datamesh.service',
      ],
    });
    expect(existsSync(unitPath())).toBe(false);
    mkdirSync(join(unitPath(), '..'), { recursive: true });
    writeFileSync(unitPath(), '[Service]\nExecStart=/bin/true\n');
    for (const command of ['install', 'uninstall']) {
      const { status, stderr } = await run(['service', command, '--manager', 'systemd']);
      expect(status).toBe(6);
      expect(stderr).toContain('is not of datamesh');
    }
    expect(readFileSync(unitPath(), 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
    expect(existsSync(calls())).toBe(false);
  });

  it('says what the manager said when that fails, and what to do', async () => {
    fakeManager(1);
    const { status, stderr } = await run(['service', 'install', '--manager', 'systemd']);
    expect(status).toBe(1);
    expect(stderr).toContain('systemctl --user daemon-reload ended with 1: no bus');
    expect(stderr).toContain('datamesh service start');
    expect(existsSync(unitPath())).toBe(true);
  });

  it('needs a node, and a passphrase file that is there', async () => {
    fakeManager();
    const missing = await run(['service', 'install', '--manager', 'systemd', '--credential', 'nothing']);
    expect(missing.status).toBe(8);
    expect(missing.stderr).toContain('the passphrase file');
    expect((await run(['service', 'install', '--manager', 'systemd', '--user', 'x'])).status).toBe(2);
    const elsewhere = await run([
      'service',
      'install',
      '--manager',
      'systemd',
      '--data-dir',
      join(home.folder, 'no'),
    ]);
    expect(elsewhere.status).toBe(8);
    expect(existsSync(unitPath())).toBe(false);
  });

  it('refuses a user that this machine does not have', async () => {
    fakeManager();
    const argv = ['service', 'install', '--manager', 'systemd', '--system', '--dry-run'];
    const { status, stderr } = await run([...argv, '--user', 'no-such-user']);
    expect({ status, stderr }).toMatchObject({
      status: 8,
      stderr: expect.stringContaining('"no-such-user"'),
    });
    expect((await run([...argv, '--user', userInfo().username])).status).toBe(0);
  });

  it('uninstall removes the file where systemd does not run, and else says that it did not', async () => {
    mkdirSync(dirname(unitPath()), { recursive: true });
    writeFileSync(unitPath(), `# ${MARK}\n`);
    fakeManager(1);
    const booted = existsSync('/run/systemd/system');
    const { status, stderr } = await run(['service', 'uninstall', '--manager', 'systemd']);
    expect({ status, there: existsSync(unitPath()) }).toEqual({ status: booted ? 1 : 0, there: booted });
    expect(stderr).toContain(booted ? 'nothing was removed' : 'systemd does not run here');
    expect(stderr).not.toContain('in its place');
  });

  it('launchd forgets the old property list before it is given a new one, and need not have it loaded to lose it', async () => {
    fakeManager();
    for (let times = 0; times < 2; times++)
      expect((await run(['service', 'install', '--manager', 'launchd'])).status).toBe(0);
    const domain = `gui/${process.getuid!()}`;
    const path = join(home.folder, 'Library/LaunchAgents/io.github.datamesh.node.plist');
    expect(readFileSync(calls(), 'utf8').trim().split('\n')).toEqual([
      `launchctl bootstrap ${domain} ${path}`,
      `launchctl bootout ${domain}/io.github.datamesh.node`,
      `launchctl bootstrap ${domain} ${path}`,
    ]);
    fakeManager(3);
    expect((await run(['service', 'uninstall', '--manager', 'launchd'])).status).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('writes a property list for launchd', async () => {
    fakeManager();
    const { status, stdout } = await run(['service', 'install', '--manager', 'launchd', '--json']);
    expect(status).toBe(0);
    const { path } = jsonLines(stdout)[0] as { path: string };
    expect(path).toBe(join(home.folder, 'Library/LaunchAgents/io.github.datamesh.node.plist'));
    expect(readFileSync(path, 'utf8')).toContain(`<string>${home.dataDir}</string>`);
    expect(readFileSync(calls(), 'utf8')).toBe(`launchctl bootstrap gui/${process.getuid!()} ${path}\n`);
  });
});

const file: ServiceFile = {
  manager: 'systemd',
  scope: 'system',
  node: process.execPath,
  launcher: LAUNCHER,
  config: '/etc/datamesh/config.json',
  dataDir: '/var/lib/datamesh',
  background: true,
  name: 'alder',
  user: userInfo().username,
  passphraseFile: '/etc/datamesh/passphrase',
  writes: ['/mnt/disk one', '/mnt/50%'],
};

/** A user's manager wants to know where its runtime folder would be. */
const analyze = (args: string[]) =>
  spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() },
  });
const hasAnalyze = analyze(['--version']).status === 0;
if (!hasAnalyze) process.stdout.write('systemd-analyze is not there: units are not verified\n');

describe('the unit', () => {
  const odd: ServiceFile = {
    ...file,
    name: '100% "alder"',
    config: '/etc/data mesh/$c"o\\n.json',
    user: undefined,
  };

  it.skipIf(!hasAnalyze).each([
    ['of the machine', file],
    ['of the machine, with odd names', odd],
    ['of a user', { ...file, scope: 'user' as const, user: undefined }],
  ])('%s passes systemd-analyze verify without a word', (_name, of) => {
    const path = join(home.folder, 'datamesh.service');
    writeFileSync(path, serviceFile(of));
    const { status, stderr } = analyze(['verify', ...(of.scope === 'user' ? ['--user'] : []), path]);
    const own = stderr.split('\n').filter((line) => line.includes('datamesh.service'));
    expect({ status, own }).toEqual({ status: 0, own: [] });
  });

  it.skipIf(!hasAnalyze)('of the machine is exposed to no more than systemd calls "OK"', () => {
    const path = join(home.folder, 'datamesh.service');
    writeFileSync(path, serviceFile(file));
    // Units are scored from 0 to 10; without any hardening it is 9.2, "UNSAFE".
    const { status, stdout } = analyze(['security', '--offline=true', '--no-pager', '--threshold=25', path]);
    process.stdout.write(`${stdout.trim().split('\n').at(-1)}\n`);
    expect(status, stdout).toBe(0);
  });

  it('has the /tmp of its users, and may write there: restores go where they were told to, and the control socket may lie there', () => {
    const text = serviceFile(file);
    expect(text).not.toContain('PrivateTmp');
    expect(text).toContain('\nReadWritePaths=/var/lib/datamesh /tmp "/mnt/disk one" "/mnt/50%%"\n');
  });

  it('lets other programs go first only where the node is to', () => {
    expect(serviceFile(file)).toContain('\nNice=10\n');
    expect(serviceFile({ ...file, background: false })).not.toContain('Nice');
  });

  it('says the very words of the command, whatever they are', () => {
    const odd = fc.string({ unit: fc.constantFrom(...'ab $%"\'\\;éx\n{}~#'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(odd, odd, odd, (node, config, dataDir) => {
        const words = { ...file, node: `/n/${node}`, config: `/c/${config}`, dataDir: `/d/${dataDir}` };
        const line = /^ExecStart=(.*)$/m.exec(serviceFile(words))![1]!;
        const [first, ...rest] = asSystemdReads(line);
        const read = first === '/usr/bin/env' ? rest : [first, ...rest];
        expect(first).not.toMatch(/["'\\$\n]/);
        expect(read).toEqual([
          ...[
            words.node,
            '--max-semi-space-size=8',
            '--min-semi-space-size=8',
            LAUNCHER,
            'service',
            'run',
            '--no-input',
          ],
          ...['--config', words.config, '--data-dir', words.dataDir],
        ]);
      }),
    );
  });
});

/** systemd.syntax(7) "Quoting", then specifiers (systemd.unit(5)), then variables, of which none is set (systemd.service(5) "Command lines"); in the first word there are none. */
function asSystemdReads(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let inQuotes = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === '\\') {
      const next = line[++at]!;
      word = (word ?? '') + (({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[next] ?? next);
    } else if (char === '"') {
      inQuotes = !inQuotes;
      word ??= '';
    } else if (char === "'" && !inQuotes) throw new Error('a quote outside of quotes');
    else if (char === ' ' && !inQuotes) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return words.map((it, index) => {
    const specified = it.replace(/%(.)/g, (_, of: string) => (of === '%' ? '%' : '?'));
    return index === 0 ? specified : specified.replace(/\$(.)/g, (_, of: string) => (of === '$' ? '$' : '?'));
  });
}

describe('the files for packagers', () => {
  const packaged: ServiceFile = {
    ...file,
    ...{
      node: '/usr/bin/node',
      launcher: '/usr/lib/node_modules/datamesh/bin/datamesh',
      name: 'of this machine',
    },
    ...{ user: 'datamesh', passphraseFile: undefined, writes: [] },
  };
  const kept = (path: string) => fileURLToPath(new URL(`../../../ops/${path}`, import.meta.url));

  // GOLDEN_WRITE=1 rewrites them; read the diff.
  it.each([
    ['systemd/datamesh.service', packaged],
    ['launchd/io.github.datamesh.node.plist', { ...packaged, manager: 'launchd' as const }],
  ])('%s is what install writes for the usual places', (path, of) => {
    if (process.env.GOLDEN_WRITE === '1') {
      mkdirSync(dirname(kept(path)), { recursive: true });
      writeFileSync(kept(path), serviceFile(of));
    }
    expect(readFileSync(kept(path), 'utf8')).toBe(serviceFile(of));
  });
});

describe('the property list', () => {
  const launchd: ServiceFile = { ...file, manager: 'launchd', name: 'a & <b>', dataDir: '/tmp/a & <b>' };
  const hasLint = spawnSync('xmllint', ['--version']).status === 0;
  if (!hasLint) process.stdout.write('xmllint is not there: the property list is not parsed by it\n');

  it('has its words escaped, each in an element of its own', () => {
    const text = serviceFile(launchd);
    expect(text.match(/<string>[^<]*<\/string>/g)).toContain('<string>/tmp/a &amp; &lt;b&gt;</string>');
    expect(text).not.toContain('& ');
  });

  it('has the service keep its log within bounds, which launchd does not', () => {
    const text = serviceFile({ ...launchd, dataDir: '/d' });
    expect(text).toContain('<key>DATAMESH_LOG_FILE</key><string>/d/service.log</string>');
    expect(text).toContain('<key>StandardOutPath</key><string>/d/service.log</string>');
    expect(text).toMatch(/<string>--log-format<\/string>\s*<string>json<\/string>/);
  });

  it.skipIf(!hasLint)('is well-formed', () => {
    execFileSync('xmllint', ['--noout', '--nonet', '-'], { input: serviceFile(launchd) });
  });
});
