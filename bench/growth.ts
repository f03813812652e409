/**
 * How repair traffic and lookups grow with the number of nodes: a coarse model, no measurement of the program. `npm run model:growth` prints the tables of
 * docs/DURABILITY.md. Nothing runs over a network; up to 10,000 nodes are numbers in memory.
 */
import { durabilityOf, meanTimeToLoss, YEAR_MS } from '../src/engine/maintenance/durability.ts';
import { mulberry32, simulateLoss } from '../test/support/loss-model.ts';

const SIZES = [12, 30, 100, 300, 1000, 3000, 10_000];
const CODE = { k: 10, m: 4 };
const INPUT = {
  code: CODE,
  failureRate: 0.05,
  detectionMs: 30_000,
  settleMs: 10_000,
  graceMs: 900_000,
  nodeBytes: 2 ** 40,
  repairBytesPerSecond: 64 * 2 ** 20,
};

/** A year of nodes that die and are replaced: the repairs of all lost nodes share what the living read. */
function yearOfRepairs(nodes: number, random: () => number) {
  const perYear = -Math.log1p(-INPUT.failureRate) * nodes;
  const repairBytesPerYear = (nodes - 1) * INPUT.repairBytesPerSecond * (YEAR_MS / 1000);
  const bytesEach = CODE.k * INPUT.nodeBytes;
  let now = 0;
  let backlogBytes = 0;
  let failures = 0;
  let mostBacklogBytes = 0;
  for (;;) {
    const stepYears = -Math.log(1 - random()) / perYear;
    now += stepYears;
    if (now > 1) break;
    backlogBytes = Math.max(0, backlogBytes - stepYears * repairBytesPerYear) + bytesEach;
    mostBacklogBytes = Math.max(mostBacklogBytes, backlogBytes);
    failures++;
  }
  const trafficBytes = failures * bytesEach;
  return {
    failures,
    perNodeGiB: trafficBytes / nodes / 2 ** 30,
    busyShare: trafficBytes / repairBytesPerYear,
    worstHours: (mostBacklogBytes / repairBytesPerYear) * (YEAR_MS / 3_600_000),
  };
}

/** Kademlia's parameters as the mesh has them: 20 contacts a bucket, 3 questions at once. */
const BUCKET = 20;
const ALPHA = 3;
const BITS = 30;

/** Ids are numbers of 30 bits; each node knows up to 20 random contacts in each bucket. Questions until the closest node has answered. */
function lookups(nodes: number, count: number, random: () => number) {
  const ids = [...new Set(Array.from({ length: nodes }, () => Math.floor(random() * 2 ** BITS)))].sort(
    (a, b) => a - b,
  );
  const from = (value: number) => {
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ids[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const known = new Map<string, number[]>();
  const bucket = (node: number, bit: number): number[] => {
    const key = `${node} ${bit}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const start = ((node >>> bit) ^ 1) * 2 ** bit;
    const first = from(start);
    const size = from(start + 2 ** bit) - first;
    const contacts =
      size <= BUCKET
        ? ids.slice(first, first + size)
        : Array.from({ length: BUCKET }, () => ids[first + Math.floor(random() * size)]!);
    known.set(key, contacts);
    return contacts;
  };
  const answer = (node: number, key: number): number[] => {
    const near: number[] = [];
    // The bucket of the key first, then those closer to the node, then those farther away.
    const bit = Math.max(0, 31 - Math.clz32(node ^ key));
    for (let at = bit; at >= 0 && near.length < BUCKET; at--) near.push(...bucket(node, at));
    for (let at = bit + 1; at < BITS && near.length < BUCKET; at++) near.push(...bucket(node, at));
    return near.sort((a, b) => (a ^ key) - (b ^ key)).slice(0, BUCKET);
  };
  let questions = 0;
  let rounds = 0;
  let found = 0;
  for (let left = count; left > 0; left--) {
    const key = Math.floor(random() * 2 ** BITS);
    const begin = ids[Math.floor(random() * ids.length)]!;
    const asked = new Set([begin]);
    let short = answer(begin, key);
    for (;;) {
      // Until the three closest that are known have been asked.
      const next = short.slice(0, ALPHA).filter((id) => !asked.has(id));
      if (next.length === 0) break;
      rounds++;
      questions += next.length;
      for (const id of next) asked.add(id);
      const told = next.flatMap((id) => answer(id, key));
      short = [...new Set([...short, ...told])].sort((a, b) => (a ^ key) - (b ^ key)).slice(0, BUCKET);
    }
    const at = from(key);
    const best = ids.slice(Math.max(0, at - 64), at + 64).reduce((a, b) => ((a ^ key) <= (b ^ key) ? a : b));
    if (short[0] === best || begin === best) found++;
  }
  return { questions: questions / count, rounds: rounds / count, found: found / count };
}

const random = mulberry32(1);
console.log(
  '| nodes | model: stripe lost in a year | rebuild of a node | nodes lost in the year | repair reads a node and year | share of repair bandwidth | worst backlog | questions a lookup | rounds | found the closest |',
);
console.log('| ----: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const nodes of SIZES) {
  const model = nodes < CODE.k + CODE.m ? undefined : durabilityOf({ ...INPUT, nodes });
  const rebuildHours = (CODE.k * INPUT.nodeBytes) / ((nodes - 1) * INPUT.repairBytesPerSecond) / 3600;
  const year = yearOfRepairs(nodes, random);
  const look = lookups(nodes, 500, random);
  const cells = [
    nodes,
    model?.stripeLossPerYear.toExponential(1) ?? '(fewer than 14)',
    `${rebuildHours < 1 ? `${(rebuildHours * 60).toFixed(1)} min` : `${rebuildHours.toFixed(1)} h`}`,
    year.failures,
    `${year.perNodeGiB.toFixed(0)} GiB`,
    `${(100 * year.busyShare).toFixed(3)} %`,
    `${year.worstHours.toFixed(2)} h`,
    look.questions.toFixed(1),
    look.rounds.toFixed(1),
    `${(100 * look.found).toFixed(1)} %`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log(
  '\n| code | losses a holder and year | repair, years | formula, years | simulated, years | 99.9 % ± | simulated, all repairs as long | ± |',
);
console.log('| ---- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const [k, m, perYear, repairYears] of [
  [2, 1, 3, 0.05],
  [4, 2, 2, 0.02],
  [10, 4, 3, 0.03],
] as const) {
  const failures = Array.from({ length: m + 1 }, (_, missing) => (k + m - missing) * perYear);
  const formula = meanTimeToLoss(
    failures,
    failures.map((_, missing) => (missing === 0 ? 0 : 1 / repairYears)),
  );
  const model = { shards: k + m, parity: m, perYear, repairYears, runs: 20_000, seed: 7 };
  const drawn = simulateLoss(model);
  const fixed = simulateLoss({ ...model, fixedRepair: true });
  const cells = [
    `${k}+${m}`,
    perYear,
    repairYears,
    formula,
    drawn.meanYears,
    3.29 * drawn.standardErrorYears,
    fixed.meanYears,
    3.29 * fixed.standardErrorYears,
  ];
  console.log(
    `| ${cells.map((cell) => (typeof cell === 'number' ? Number(cell.toPrecision(4)) : cell)).join(' | ')} |`,
  );
}
