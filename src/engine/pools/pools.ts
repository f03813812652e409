/** The owner's pools: what is stored of them, what the nodes at hand make of them, and who may hold their shards. */
import { DatameshError } from '../../errors.ts';
import type { CatalogTotals, PoolFolder, PoolRecord, Retention } from '../catalog/catalog.ts';
import { NO_TOTALS, sumOf } from '../catalog/pool-rows.ts';
import { inTurn } from '../in-turn.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { Node } from '../node.ts';
import { type Candidate, LEVELS, type Level, locate, type Site } from '../placement/domains.ts';
import { feasibilityOf, requireWhole } from '../placement/feasible.ts';
import { pointOf } from '../placement/xor.ts';
import type { PeerId } from '../types.ts';
import type { PoolCalls, PoolDetail, PoolOutlook, PoolSettings, PoolView } from '../views/pools.ts';
import {
  checkCode,
  checkDomain,
  checkFolders,
  checkKeep,
  checkPoolName,
  DEFAULT_POOL,
  keptBy,
} from './checks.ts';

export interface Pools extends PoolCalls {
  /** `default` first, the others by name. */
  views(): PoolView[];
  /** Throws `not-found`. */
  pool(name: string | undefined): PoolRecord;
  /** For an object of a pool that this catalog does not know. */
  poolOrDefault(name: string | undefined): PoolRecord;
  /** Holders of the pool that take shards of the owner now. */
  candidates(pool: PoolRecord): Candidate[];
  siteOf(pool: PoolRecord, holder: PeerId): Site | undefined;
  /** Pools that do not keep all old versions. */
  retentions(): { name: string; keep: Retention }[];
}

export type PoolHost = Pick<
  Node,
  'catalog' | 'owner' | 'options' | 'clock' | 'folders' | 'net' | 'membership' | 'candidates' | 'siteOf'
>;

export function createPools(node: PoolHost): Pools {
  const all = (): PoolRecord[] => (node.owner === undefined ? [] : node.catalog.pools(node.owner.ownerId));
  const stored = (): PoolRecord[] => all().filter(({ name }) => name !== DEFAULT_POOL);

  /** Follows the configuration; of its row only what it keeps counts. */
  const builtIn = (): PoolRecord => {
    const { code } = node.options;
    const keep = all().find(({ name }) => name === DEFAULT_POOL)?.keep;
    return {
      ...(keep === undefined ? {} : { keep }),
      name: DEFAULT_POOL,
      code,
      domain: code.m === 0 ? 'none' : 'node',
      compress: false,
      nodes: 'all',
      folders: [],
      separateDisks: false,
      createdAtMs: 0,
    };
  };
  const pool = (name: string | undefined): PoolRecord => {
    if (name === undefined || name === DEFAULT_POOL) return builtIn();
    const pools = stored();
    const found = pools.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new DatameshError('not-found', {
      what: `there is no pool ${JSON.stringify(name.slice(0, 80))}`,
      mend: 'see them with `datamesh pool list`, or make it with `datamesh pool create`',
      details: { candidates: [DEFAULT_POOL, ...pools.map((one) => one.name)] },
    });
  };

  const siteOf = (of: PoolRecord, holder: PeerId): Site | undefined => {
    const folder = node.folders.backend(holder);
    if (folder === undefined) return node.siteOf(holder);
    const { zone, rack } = node.options.network;
    const disk = of.separateDisks ? holder : folder.device;
    return { peer: holder, node: node.net.self, disk, zone, rack };
  };

  const candidates = (of: PoolRecord): Candidate[] => {
    const owner = needOwner(node.owner);
    const peers = of.nodes === 'all' || of.nodes.length > 0 ? node.candidates(owner.ownerId) : [];
    const found = peers.filter(({ peer }) => of.nodes === 'all' || of.nodes.includes(peer));
    for (const { holder } of of.folders) {
      const freeBytes = node.folders.backend(holder)?.freeBytes() ?? 0;
      const site = siteOf(of, holder);
      if (freeBytes === 0 || site === undefined) continue;
      found.push({ ...site, freeBytes, point: pointOf(Buffer.from(holder)) });
    }
    return found;
  };

  const outlook = (of: PoolRecord): PoolOutlook => {
    const holders = node.owner === undefined ? [] : candidates(of);
    const places = holders.map((holder) => locate(holder));
    const { wanted, placeable, domainsNeeded, whole, accepted, arithmetic, survives } = feasibilityOf(
      { code: of.code, domain: of.domain, allowDegraded: false },
      holders,
    );
    const count = (level: Level) => new Set(places.map((place) => place[level])).size;
    const at = Object.fromEntries(LEVELS.map((level) => [level, count(level)])) as Record<Level, number>;
    return {
      holders: holders.length,
      at,
      wanted,
      placeable,
      domainsNeeded,
      whole,
      accepted,
      arithmetic,
      survives,
    };
  };

  /** Of every pool that is known; what is of no known one counts as the default's, as `poolOrDefault` has it. */
  const usages = (): ((name: string) => CatalogTotals) => {
    const known = new Set(stored().map(({ name }) => name));
    const sums = new Map<string, CatalogTotals>();
    if (node.owner !== undefined) {
      for (const [name, totals] of node.catalog.poolTotals(node.owner.ownerId)) {
        const pool = known.has(name) ? name : DEFAULT_POOL;
        const before = sums.get(pool);
        sums.set(pool, before === undefined ? totals : sumOf(before, totals));
      }
    }
    return (name) => sums.get(name) ?? NO_TOTALS;
  };

  const view = (of: PoolRecord, usageOf = usages()): PoolView => ({
    ...of,
    usage: usageOf(of.name),
    createdAtMs: of.name === DEFAULT_POOL ? undefined : of.createdAtMs,
    folders: of.folders.map((folder) => ({
      ...folder,
      freeBytes: node.folders.backend(folder.holder)?.freeBytes(),
    })),
  });
  const views = (): PoolView[] => {
    const usageOf = usages();
    return [builtIn(), ...stored()].map((of) => view(of, usageOf));
  };
  const detail = (of: PoolRecord): PoolDetail => ({ ...view(of), now: outlook(of) });

  /** Peer ids of nodes given by id or by name. */
  const resolveNodes = (given: 'all' | string[]): 'all' | PeerId[] => {
    if (given === 'all') return 'all';
    const known = [
      { id: node.net.self, name: node.options.name, nickname: undefined },
      ...node.membership.members().map(({ peerId, info }) => ({
        id: peerId,
        name: info?.name,
        nickname: node.options.nicknames?.get(peerId),
      })),
    ];
    return [
      ...new Set(
        given.map((text) => {
          const called = known.filter(({ nickname }) => nickname === text);
          const hits =
            called.length > 0 ? called : known.filter(({ id, name }) => id === text || name === text);
          if (hits.length === 1) return hits[0]!.id;
          throw new DatameshError(hits.length === 0 ? 'not-found' : 'bad-value', {
            what:
              hits.length === 0
                ? `no node ${JSON.stringify(text)} is known`
                : `${hits.length} nodes are called ${text}`,
            mend: 'give its peer id, as `datamesh peers` shows it',
          });
        }),
      ),
    ];
  };

  /** `before` with the settings, checked against the nodes at hand; nothing is stored yet but folders made, and none for a dry run. */
  const changed = async (before: PoolRecord, settings: PoolSettings): Promise<PoolRecord> => {
    const code = settings.code ?? before.code;
    const domain = settings.domain ?? before.domain;
    checkCode(code);
    checkDomain(code, domain, settings.allowDegraded ?? false);
    const requests = settings.folders ?? [];
    checkFolders(requests, before.folders, node.options.dataDir);
    const nodes = settings.nodes === undefined ? before.nodes : resolveNodes(settings.nodes);
    const folders: PoolFolder[] = [...before.folders];
    for (const request of settings.dryRun === true ? [] : requests) {
      const backend = await node.folders.open(request, { create: true, adopt: settings.adopt ?? false });
      const { quotaBytes } = request;
      folders.push({
        path: request.path,
        holder: backend.id,
        ...(quotaBytes === undefined ? {} : { quotaBytes }),
      });
    }
    const keep = keptBy(before.keep, settings.keep);
    const { keep: _keep, ...rest } = before;
    const after: PoolRecord = {
      ...rest,
      ...(keep === undefined ? {} : { keep }),
      code,
      domain,
      nodes,
      folders,
      compress: settings.compress ?? before.compress,
      separateDisks: settings.separateDisks ?? before.separateDisks,
    };
    if (folders.length === before.folders.length + requests.length)
      requireWhole({ code, domain, allowDegraded: settings.allowDegraded ?? false }, candidates(after));
    return after;
  };

  // Folders are opened in between: of two changes at once the later one would write over what the earlier one added.
  const oneByOne = inTurn();
  const create = async (name: string, settings: PoolSettings): Promise<PoolDetail> => {
    const owner = needOwner(node.owner);
    checkPoolName(name);
    if (name === DEFAULT_POOL || stored().some((one) => one.name === name)) {
      throw new DatameshError('already-exists', {
        what: `there is already a pool ${name}`,
        mend: `choose another name, or change it with \`datamesh pool set ${name}\``,
      });
    }
    checkKeep(settings.keep);
    const foldersAlone = (settings.folders ?? []).length > 0 && (settings.nodes ?? []).length === 0;
    // What the default pool lets go is no other pool's to lose.
    const { keep: _keep, ...plain } = builtIn();
    const made = await changed(
      {
        ...plain,
        name,
        domain: foldersAlone ? 'disk' : plain.domain,
        nodes: (settings.folders ?? []).length > 0 ? [] : 'all',
        createdAtMs: node.clock.now(),
      },
      settings,
    );
    if (settings.dryRun !== true) node.catalog.createPool(owner.ownerId, made);
    return detail(made);
  };
  const set = async (name: string, settings: PoolSettings): Promise<PoolDetail> => {
    const owner = needOwner(node.owner);
    checkKeep(settings.keep);
    if (name === DEFAULT_POOL) {
      const { keep, dryRun, ...others } = settings;
      if (keep === undefined || Object.values(others).some((it) => it !== undefined)) {
        throw new DatameshError('bad-value', {
          what: 'the default pool follows the configuration, but for the versions it keeps',
          mend: 'change its code with `datamesh config set redundancy.k` and `redundancy.m`, or make a pool with `datamesh pool create`',
        });
      }
      const { keep: before, ...rest } = builtIn();
      const kept = keptBy(before, keep);
      const changes = { ...rest, ...(kept === undefined ? {} : { keep: kept }) };
      if (dryRun === true) return detail(changes);
      node.catalog.updatePool(owner.ownerId, { ...changes, createdAtMs: node.clock.now() });
      return detail(builtIn());
    }
    const after = await changed(pool(name), settings);
    if (settings.dryRun !== true) node.catalog.updatePool(owner.ownerId, after);
    return detail(after);
  };

  return {
    pool,
    poolOrDefault: (name) => stored().find((one) => one.name === name) ?? builtIn(),
    candidates,
    siteOf,
    retentions: () => all().flatMap(({ name, keep }) => (keep === undefined ? [] : [{ name, keep }])),
    create: (name, settings) => oneByOne(() => create(name, settings)),
    views,
    list: async () => views(),
    show: async (name) => detail(pool(name)),
    set: (name, settings) => oneByOne(() => set(name, settings)),
  };
}

function needOwner(owner: OwnerKeys | undefined): OwnerKeys {
  if (owner !== undefined) return owner;
  throw new DatameshError('no-owner-key', {
    what: 'this node has no owner key, so it has no pools of yours',
    mend: 'make one with `datamesh keys new main`, or bring yours with `datamesh keys import`, then start the node again',
  });
}
