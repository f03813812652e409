/** Pools of the fake engine: what a mesh of fourteen nodes in three zones would say. */
import type { Engine } from '../../src/engine/engine.ts';
import type { ObjectId, PeerId } from '../../src/engine/types.ts';
import type {
  DistributionReport,
  PoolCalls,
  PoolDetail,
  PoolSettings,
  PoolView,
} from '../../src/engine/views/pools.ts';
import { DatameshError } from '../../src/errors.ts';

type Enter = (method: 'pools' | 'distribution') => Promise<void>;
type UsageOf = (pool: string) => PoolView['usage'];

export function fakePoolCalls(
  enter: Enter,
  usageOf: UsageOf,
): Pick<Engine, 'pools' | 'distribution'> & { poolViews(): PoolView[] } {
  const { poolViews, ...pools } = fakePools(enter, usageOf);
  return {
    pools,
    poolViews,
    async distribution() {
      await enter('distribution');
      return fakeDistribution();
    },
  };
}

function fakePools(enter: Enter, usageOf: UsageOf): PoolCalls & { poolViews(): PoolView[] } {
  const withUsage = <T extends PoolView>(pool: T): T => ({ ...pool, usage: usageOf(pool.name) });
  const poolViews = (): PoolView[] => [...made.values()].map(({ now: _now, ...view }) => withUsage(view));
  const made = new Map<string, PoolDetail>([['default', detail('default', {})]]);
  const find = (name: string): PoolDetail => {
    const found = made.get(name);
    if (found === undefined) throw new DatameshError('not-found', { what: `there is no pool ${name}` });
    return found;
  };
  return {
    poolViews,
    async create(name, settings) {
      await enter('pools');
      const pool = detail(name, settings);
      if (!pool.now.whole && settings.allowDegraded !== true)
        throw new DatameshError('too-few-nodes', { what: pool.now.arithmetic! });
      if (settings.dryRun !== true) made.set(name, pool);
      return pool;
    },
    async list() {
      await enter('pools');
      return poolViews();
    },
    async show(name) {
      await enter('pools');
      return withUsage(find(name));
    },
    async set(name, settings) {
      await enter('pools');
      const pool = { ...find(name), ...detail(name, settings) };
      if (settings.dryRun !== true) made.set(name, pool);
      return withUsage(pool);
    },
  };
}

function detail(name: string, settings: PoolSettings): PoolDetail {
  const code = settings.code ?? { k: 4, m: 2 };
  const domain = settings.domain ?? 'node';
  const whole = domain !== 'zone' || code.k + code.m <= 3 * code.m;
  return {
    name,
    code,
    domain,
    compress: settings.compress ?? false,
    nodes: (settings.nodes ?? 'all') as 'all' | PeerId[],
    folders: (settings.folders ?? []).map((folder, i) => ({
      ...folder,
      holder: `Dir${i}` as PeerId,
      freeBytes: i === 0 ? 5e9 : undefined,
    })),
    usage: { objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 },
    separateDisks: settings.separateDisks ?? false,
    createdAtMs: name === 'default' ? undefined : 1_790_000_000_000,
    now: {
      holders: 14,
      at: { disk: 14, node: 14, rack: 6, zone: 3 },
      wanted: code.k + code.m,
      placeable: Math.min(14, code.k + code.m),
      domainsNeeded: 1,
      whole,
      accepted: whole,
      arithmetic: whole
        ? undefined
        : `${code.k}+${code.m} over zones needs more zones: ${code.k + code.m}/${code.m}; this mesh has 3 zones`,
      survives: { disk: code.m, node: code.m, rack: 0, zone: whole && domain === 'zone' ? 1 : 0 },
    },
  };
}

function fakeDistribution(): DistributionReport {
  return {
    takenAtMs: 1_790_000_000_000,
    objects: 2,
    shards: 12,
    bytes: 12_000,
    shardsUnknown: 1,
    silent: ['12D3KooWsilent' as PeerId],
    rows: [
      { level: 'node', id: '12D3KooWa', name: 'a', shards: 8, bytes: 8000, share: 8 / 12 },
      { level: 'node', id: '12D3KooWb', name: undefined, shards: 4, bytes: 4000, share: 4 / 12 },
      { level: 'zone', id: '', name: undefined, shards: 12, bytes: 12_000, share: 1 },
    ],
    stripesBroken: 1,
    broken: [{ name: 'x', objectId: 'ab'.repeat(32) as ObjectId, stripe: 0, pool: 'p', domain: 'zone' }],
    objectsUnreadable: 3,
    unreadable: ['lost-1', 'lost-2'],
  };
}
