import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, OutputRecord } from '../command.ts';
import { RECOVER_FIELDS } from './fields.ts';

export const recoverCommand: Command = {
  path: ['recover'],
  group: 'start',
  summary: 'Bring everything back from the 24 words, also on a blank machine',
  description:
    'Derives the owner from the words, joins the mesh, finds the newest catalog that the owner left there and brings back names, versions, tags and pools; the bytes are read when they are asked for. On a machine without a configuration it makes one. The words are asked for on the terminal, or read from a file that only you may read, or from standard input; never from the command line. Without any catalog in the mesh, --scan asks nodes for the objects themselves: names, sizes and tags are then those of the moment of the put, renames and later tags are missing, and the newest object of a name is its current version.',
  args: [],
  options: [
    {
      name: 'words-file',
      type: { kind: 'path', dash: true },
      summary: 'File with the 24 words, mode 0600; - is standard input',
    },
    {
      name: 'bootstrap',
      type: { kind: 'multiaddr' },
      repeatable: true,
      summary: 'Address of a node of the mesh to begin with',
    },
    {
      name: 'network',
      type: { kind: 'enum', values: ['local', 'lan', 'custom'] },
      summary: 'Where the other nodes are, on a machine without a configuration',
    },
    {
      name: 'network-name',
      type: { kind: 'string' },
      summary: 'Network id, on a machine without a configuration',
    },
    { name: 'folder', type: { kind: 'path' }, summary: 'Data folder, on a machine without a configuration' },
    { name: 'key-name', type: { kind: 'string' }, summary: 'Name for the key here', default: 'main' },
    { name: 'scan', summary: 'Look for objects themselves, too, in case the catalog is lost or behind' },
  ],
  examples: [
    { line: 'recover', note: 'type the 24 words; the configuration is there already' },
    {
      line: 'recover --words-file words.txt --bootstrap /ip4/192.168.1.7/tcp/40871/p2p/12D3KooWExample',
      note: 'on a blank machine',
    },
    {
      line: 'recover --words-file - --scan --json',
      note: 'in a script: words on standard input, no catalog needed',
    },
  ],
  effects: 'writes',
  fields: RECOVER_FIELDS,
  needs: 'nothing',
  sensitive: true,
  exits: [
    {
      code: EXIT.partial,
      meaning: 'a part of the catalog, or an object found by --scan, could not be read now',
    },
    { code: EXIT.unreachable, meaning: 'no other node was met' },
    { code: EXIT.notFound, meaning: 'no node has a catalog of this owner' },
  ],
  shape: 'single',
  columns: [
    { key: 'owner', title: 'Owner', format: 'id' },
    { key: 'objects', title: 'Objects' },
    { key: 'versions', title: 'Versions' },
    { key: 'logicalBytes', title: 'Your data', format: 'bytes' },
    { key: 'pools', title: 'Pools' },
    { key: 'added', title: 'New here' },
    { key: 'headSequence', title: 'Catalog number' },
    { key: 'headWrittenAtMs', title: 'Catalog written', format: 'time' },
    { key: 'headAgreed', title: 'Nodes that gave it' },
    { key: 'headAsked', title: 'Nodes asked' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  async run(context, values) {
    const { ownerOfWords, prepareNode, wordsFrom } = await import('./recover-setup.ts');
    const words = await wordsFrom(context, values['words-file'] as string | undefined);
    const ownerId = ownerOfWords(words);
    const bootstrap = (values.bootstrap as string[] | undefined) ?? [];
    // Before they stand in a configuration that a second try finds there.
    const { parseAddress } = await import('../../engine/mesh/address.ts');
    for (const address of bootstrap) parseAddress(address.replace(/\?.*$/, ''));
    if (context.options.dryRun) {
      context.out.record({ dryRun: true, owner: ownerId });
      context.out.note('nothing was set up and nobody asked (--dry-run)');
      return EXIT.ok;
    }
    await prepareNode(context, words, {
      keyName: String(values['key-name'] ?? 'main'),
      bootstrap,
      network: values.network as string | undefined,
      networkName: values['network-name'] as string | undefined,
      folder: values.folder as string | undefined,
    });
    const engine = await context.engine();
    const { owner } = await engine.status();
    if (owner !== ownerId) {
      throw new DatameshError('no-owner-key', {
        what: 'the running service does not act for this owner yet: the key was added after it started',
        mend: 'datamesh service stop, then datamesh recover again',
      });
    }
    for (const address of bootstrap) await engine.bootstrap(address);
    const report = await engine.recover({ scan: values.scan === true }, { signal: context.signal });
    const { head, scan, ...rest } = report;
    context.out.record({
      ...rest,
      headSequence: head?.sequence ?? null,
      headWrittenAtMs: head?.writtenAtMs ?? null,
      headAgreed: head?.agreed ?? null,
      headAsked: head?.asked ?? null,
      headRefused: head?.refused ?? null,
      scanned: scan ?? null,
    } satisfies OutputRecord);
    return tell(context, report);
  },
};

type Report = Awaited<ReturnType<Awaited<ReturnType<Context['engine']>>['recover']>>;

/** What did not come back, in words. */
function tell({ out }: Context, { head, scan, missingSegments, conflicts }: Report): number {
  if (head === undefined) out.warn('nobody has a catalog of this owner: what follows is from objects alone');
  if (head !== undefined && head.refused > 0)
    out.warn(`${head.refused} nodes gave a catalog that is forged or damaged; it was refused`);
  if (missingSegments.length > 0)
    out.warn(
      `${missingSegments.length} parts of the catalog could not be read now; run this again when more nodes are on`,
    );
  if (conflicts.length > 0)
    out.warn(`${conflicts.length} names had been stored by two devices at once: both versions are there`);
  if (scan !== undefined) {
    out.note(
      `The scan found ${scan.named} objects and added ${scan.added}: with the names, tags and times of their put, in the pool default.`,
    );
    if (scan.missing.length > 0) out.warn(`${scan.missing.length} objects could not be opened now`);
  }
  out.note('The bytes are where they were: datamesh list, datamesh get NAME.');
  return missingSegments.length > 0 || (scan?.missing.length ?? 0) > 0 ? EXIT.partial : EXIT.ok;
}
