/** Reads one manifest from standard input as a stranger would get it and prints what that cost, as JSON: a process of its own, as only that tells the peak. */
import { readFileSync } from 'node:fs';
import { decodeManifest, encodeManifest, openManifest } from '../../../src/engine/codec/manifest.ts';
import { inputOf, owner } from './manifest-samples.ts';

// Everything is loaded and has run once before the measurement starts.
openManifest(decodeManifest(encodeManifest(inputOf(600_000))), owner);
const input = readFileSync(0);

const beforeBytes = process.resourceUsage().maxRSS * 1024;
const before = process.cpuUsage();
let outcome = 'accepted';
try {
  openManifest(decodeManifest(input), owner);
} catch (error) {
  outcome = (error as { code?: string }).code ?? String(error);
}
const used = process.cpuUsage(before);
// CPU time: the machine may be shared.
const tookMs = (used.user + used.system) / 1000;
const costBytes = process.resourceUsage().maxRSS * 1024 - beforeBytes;
process.stdout.write(JSON.stringify({ outcome, tookMs, costBytes }));
