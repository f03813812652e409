/**
 * The memory of a coordinator as it is installed: from dist, without the type stripper that a bench in TypeScript carries (35 MiB). Started by
 * bench/mesh.ts with the engine's options and a size in MiB as JSON; prints a JSON row for each figure. A generated stream is put and got into nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { openEngine } from '../dist/engine/local.js';

const MIB = 2 ** 20;
const { options, holders, sizeMiB } = JSON.parse(process.argv[2]);

const peakMiB = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
const resetPeak = () => writeFileSync('/proc/self/clear_refs', '5');
const row = (name) => console.log(JSON.stringify({ case: name, value: peakMiB() }));

const engine = await openEngine(options);
const deadlineMs = performance.now() + 30_000;
for (;;) {
  const eligible = (await engine.peers()).filter((peer) => peer.eligible && peer.state === 'active');
  if (eligible.length === holders) break;
  if (performance.now() > deadlineMs) throw new Error('the coordinator has not met its holders');
  await new Promise((resolve) => setTimeout(resolve, 100));
}

async function* content() {
  const pattern = Buffer.alloc(MIB, 'a pattern of no meaning, ');
  for (let at = 0; at < sizeMiB; at++) {
    const piece = Buffer.allocUnsafeSlow(MIB);
    piece.set(pattern);
    piece.writeUInt32LE(at);
    yield piece;
  }
}

resetPeak();
row('memory of the coordinator at rest');
await engine.put(content(), { name: 'stream', sizeBytes: sizeMiB * MIB }, { givesPieces: true });
row(`memory of the coordinator, put ${sizeMiB} MiB`);
resetPeak();
const { body } = await engine.get('stream');
let bytes = 0;
for await (const piece of body) bytes += piece.length;
if (bytes !== sizeMiB * MIB) throw new Error('another length');
row(`memory of the coordinator, get ${sizeMiB} MiB`);
await engine.close();
process.exit(0);
