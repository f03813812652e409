/**
 * What a person or a script gets wrong in words, phrases and the configuration, against the real engine in bin/datamesh: each ends
 * with its exit status, says one clear line on stderr and nothing on stdout, and leaves everything as it was.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIG_VERSION } from '../../src/config/fields.ts';
import { realNode, SLOW_MS } from '../support/real-node.ts';

const root = process.getuid?.() === 0;
const PASSPHRASE = 'correct horse battery staple';
const WORDS = Array.from({ length: 24 }, () => 'abandon');
const node = realNode();

/** Words, exit status, id, and what the line says. */
const WRONG: readonly [string[], number, string, string[]][] = [
  [['stauts'], 2, 'DM-2001', ["unknown command 'stauts'", 'did you mean status']],
  [['put', 'no-such-file'], 8, 'DM-8002', ['there is no file no-such-file', 'check the path']],
  [['put', 'data'], 2, 'DM-2009', ['data is a directory', 'tar c data']],
  [['put', 'file', '--code', '4'], 2, 'DM-2004', ["'4' is no code", 'such as 4+2']],
  [['put', 'file', '--code', '200+100'], 2, 'DM-2004', ['at most 255']],
  [['put', 'file', '--name', 'n'.repeat(1025)], 2, 'DM-2011', ['1025 bytes', 'at most 1024', '--name']],
  [['put', 'file', '--name', ''], 2, 'DM-2011', ['--name']],
  [['put', 'file', '--kee', 'nobody'], 2, 'DM-2003', ["unknown option '--kee'"]],
  [
    ['put', 'file'],
    5,
    'DM-5004',
    ['2+1 needs 3 nodes and this mesh has 1', 'datamesh bootstrap', '--allow-degraded'],
  ],
  [['put', 'file', '--name', 'kept', '--if-absent'], 6, 'DM-6002', ['"kept" exists already']],
  [['get', 'nothing'], 8, 'DM-8001', ['nothing is stored under "nothing"', 'datamesh list']],
  [['get', 'kept', 'file'], 6, 'DM-6002', ['file exists', '--force']],
  [['get', 'kept', 'no/such/folder/x'], 8, 'DM-8002', ['there is no folder', 'mkdir -p']],
  [['man', '--dir', 'file'], 2, 'DM-2014', ['file is a file, not a folder']],
  [['man', '--dir', 'file/x/y'], 2, 'DM-2014', ['file is a file, not a folder']],
  [['batch-get', '*', 'file'], 2, 'DM-2014', ['file is a file, not a folder']],
  [['batch-get', '*', 'file/x'], 2, 'DM-2014', ['file is a file, not a folder']],
  [['get', 'kept', '--version', '9'], 8, 'DM-8001', ['no version 9']],
  [['cat', 'kept', '--offset', '300001'], 2, 'DM-2004', ['300000 bytes', '--offset']],
  [['bootstrap', 'somewhere'], 2, 'DM-2004', ['write a multiaddr']],
  [['bootstrap', '/ip4/127.0.0.1/tcp/1'], 5, 'DM-5002', ['nothing listens there']],
  [['keys', 'export', 'nobody'], 8, 'DM-8001', ['nobody']],
  [['batch', '-f', 'no-such-script'], 8, 'DM-8002', ['there is no script']],
  [['console'], 2, 'DM-2008', ['not a terminal', 'datamesh batch']],
  [['console', '--attach'], 2, 'DM-2008', ['not a terminal']],
  [['service', 'logs', '--lines', 'x'], 2, 'DM-2004', ['--lines']],
];

describe('words of the command line', { timeout: SLOW_MS }, () => {
  // All against one service: a node of its own for each would take most of the time.
  it('each is refused by name, by the service and by the command itself', async () => {
    await node.ok(['service', 'start']);
    try {
      for (const [argv, status, id, says] of WRONG) await node.refuses(argv, status, id, says);
    } finally {
      await node.ok(['service', 'stop']);
    }
  });

  it('a script that writes into a file as if it were a folder', async () => {
    const result = await node.run(['batch'], { input: 'list > file/x\n' });
    expect({ status: result.status, stdout: result.stdout }).toEqual({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /^<stdin>:1:1: error\[DM-2014\]: [^\n]*file is a file, not a folder[^\n]*\n$/,
    );
    const plan = await node.run(['batch', '--plan', 'file/x'], { input: 'list\n' });
    expect(plan).toMatchObject({ status: 2, stderr: expect.stringContaining('is a file, not a folder') });
  });

  it('an id that more than one object begins with', async () => {
    await node.run(['put', 'file', '--name', 'second', '--code', '2+1', '--allow-degraded']);
    const { DatabaseSync } = await import('node:sqlite');
    const catalog = new DatabaseSync(join(node.data, 'catalog.sqlite'));
    catalog.exec("UPDATE entries SET object_id = 'abcdef' || substr(object_id, 7)");
    catalog.close();
    await node.refuses(['info', 'abcdef'], 2, 'DM-2004', ['abcdef', 'more digits']);
    await node.refuses(['delete', 'abcdef', '--yes'], 2, 'DM-2004', ['abcdef']);
  });
});

describe('phrases', { timeout: SLOW_MS }, () => {
  it.each<[string, string[], (string | RegExp)[]]>([
    ['23 words', WORDS.slice(1), ['has 23 words, it needs 24', 'enter all 24 words']],
    ['an unknown word', ['abbandon', ...WORDS.slice(1)], ['word 1 ("abbandon")', 'did you mean abandon?']],
    ['a wrong checksum', WORDS, ['the checksum of the recovery phrase is wrong', 'compare each word']],
  ])('%s, at init and at import', async (_, words, says) => {
    writeFileSync(join(node.folder, 'words'), `${words.join(' ')}\n`);
    await node.refuses(['keys', 'import', 'other', '--file', 'words'], 2, 'DM-2012', says);
    const fresh = {
      env: { DATAMESH_CONFIG: join(node.folder, 'fresh', 'config.json'), DATAMESH_NODE_DATA_DIR: '' },
    };
    const init = ['init', '--yes', '--quota', '1MiB', '--identity', 'phrase', '--phrase-file', 'words'];
    await node.refuses([...init, '--data-dir', join(node.folder, 'fresh-data')], 2, 'DM-2004', says, fresh);
  });

  it('a wrong passphrase, none, and the right one', async () => {
    writeFileSync(join(node.folder, 'right'), `${PASSPHRASE}\n`);
    writeFileSync(join(node.folder, 'wrong'), 'something else altogether\n');
    await node.ok(['keys', 'new', 'safe', '--protect', '--default', '--passphrase-file', 'right']);
    await node.refuses(['stats', '--passphrase-file', 'wrong'], 9, 'DM-9004', ['passphrase']);
    await node.refuses(['stats'], 9, 'DM-9004', ['passphrase', '--passphrase-file']);
    await node.refuses(['service', 'start'], 9, 'DM-9004', ['passphrase']);
    await node.refuses(['service', 'run'], 9, 'DM-9004', ['passphrase']);
    await node.ok(['stats', '--passphrase-file', 'right']);
  });
});

describe('the configuration', { timeout: SLOW_MS }, () => {
  it.each<[string, (file: string) => unknown, number, string, (string | RegExp)[]]>([
    ['missing', (file) => rmSync(file), 4, 'DM-4001', ['there is no configuration', 'datamesh init']],
    ['a folder', (file) => [rmSync(file), mkdirSync(file)], 4, 'DM-4002', ['name a file, not a folder']],
    [
      'no JSON',
      (file) => writeFileSync(file, '{\n  "version": 1,\n'),
      4,
      'DM-4002',
      ['line 3, column 1', 'datamesh config edit'],
    ],
    ['empty', (file) => writeFileSync(file, ''), 4, 'DM-4002', ['line 1, column 1']],
    ['not an object', (file) => writeFileSync(file, '[]'), 4, 'DM-4002', ['not a JSON object']],
    [
      'of a newer version',
      (file) => writeFileSync(file, `{"version":${CONFIG_VERSION + 1}}`),
      4,
      'DM-4007',
      [`newer datamesh (version ${CONFIG_VERSION + 1})`],
    ],
    [
      'full of mistakes',
      (file) => writeFileSync(file, '{"version":1,"network":{"prot":1},"redundancy":{"k":"four"}}'),
      4,
      'DM-4003',
      ['network.prot is not a known key (did you mean network.port?)', 'redundancy.k must be a whole number'],
    ],
  ])('%s', (_, damage, status, id, says) => {
    damage(node.config);
    return node.refuses(['status'], status, id, says);
  });

  it.skipIf(root)('one that may not be read (root may)', async () => {
    chmodSync(node.config, 0);
    const result = await node.run(['status']);
    chmodSync(node.config, 0o600);
    expect(result).toMatchObject({ status: 4, stdout: '' });
    expect(result.stderr).toMatch(/^error\[DM-4002\]: [^\n]*EACCES[^\n]*\n$/);
  });

  it('an environment that contradicts it', () =>
    node.refuses(['status'], 2, 'DM-2004', ['DATAMESH_NETWORK_PORT', 'is not a whole number'], {
      env: { DATAMESH_NETWORK_PORT: 'many' },
    }));
});

describe('the port', { timeout: SLOW_MS }, () => {
  it('is in use', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const env = { DATAMESH_NETWORK_PORT: String(port) };
    try {
      const says = [`${port}`, 'in use', 'network.port'];
      for (const argv of [
        ['service', 'run'],
        ['service', 'start'],
      ])
        await node.refuses(argv, 5, 'DM-5005', says, { env });
    } finally {
      server.close();
    }
    await node.stillThere();
  });
});
