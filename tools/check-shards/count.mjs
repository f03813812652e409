/** What the shards on the disks mean for objects: the same figures and names as `datamesh health --json`. */

/** `holders`: id → Set of places. `objects`: [{ objectId, name, code: '4+2', stripes, layout }], without `layout` where the manifest is gone; `isOnlyKept` where custodians have it and no holder. */
export function countObjects(objects, holders) {
  const total = {
    objects: 0,
    ok: 0,
    degraded: 0,
    critical: 0,
    lost: 0,
    shardsExpected: 0,
    shardsLive: 0,
    stripesLost: 0,
    stripesSpare0: 0,
    stripesSpare1: 0,
    stripesSpare2: 0,
    stripesSpare3plus: 0,
  };
  const each = [];
  for (const { objectId, name, code, stripes, layout, isOnlyKept } of objects) {
    total.objects++;
    let state = 'ok';
    let spare = Number.POSITIVE_INFINITY;
    const group = (living, k, m) => {
      total.shardsExpected += k + m;
      total.shardsLive += living;
      const left = living - k;
      spare = Math.min(spare, left);
      if (left < 0) state = 'lost';
      else if (left === 0 && m > 0 && state !== 'lost') state = 'critical';
      else if (left < m && state === 'ok') state = 'degraded';
      return left;
    };
    if (layout === undefined) {
      state = 'lost';
      spare = -1;
      const [k, m] = String(code ?? '')
        .split('+')
        .map(Number);
      if (k >= 1 && m >= 0) {
        total.shardsExpected += m + 1 + stripes * (k + m);
        total.stripesLost += stripes;
      }
    } else {
      const { k, m } = layout.code;
      if (isOnlyKept) {
        total.shardsExpected += m + 1;
        spare = 0;
        state = 'critical';
      } else {
        group(copiesOf(objectId, m + 1, holders), 1, m);
      }
      for (const ids of layout.stripes) {
        const living = k === 1 ? copiesOf(ids[0], m + 1, holders) : livingOf(ids, holders);
        total[bucketOf(group(living, k, m))]++;
      }
    }
    total[state]++;
    each.push({ objectId, name, state, spare });
  }
  return { total, each };
}

/** Shards of a stripe may be alike (padding): each wants a holder of its own. */
function livingOf(ids, holders) {
  const copies = new Map();
  for (const id of ids) copies.set(id, (copies.get(id) ?? 0) + 1);
  return [...copies].reduce((sum, [id, most]) => sum + copiesOf(id, most, holders), 0);
}

function copiesOf(id, most, holders) {
  return Math.min(most, holders.get(id)?.size ?? 0);
}

function bucketOf(spare) {
  if (spare < 0) return 'stripesLost';
  return spare > 2 ? 'stripesSpare3plus' : `stripesSpare${spare}`;
}
