/**
 * For `--import` into a node of a test: what it sends over the bulk plane (TLS: its answers to requests for shards) leaves late by as many
 * milliseconds as stand in the file beside its configuration that ends in `.slow`, in order. Without the file nothing is late. Over libp2p it
 * answers as before, so that the others hold it for alive and well.
 */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const at = process.argv.indexOf('--config');
const control = at < 0 ? undefined : `${process.argv[at + 1]}.slow`;
let delayMs = 0;
if (control !== undefined) {
  setInterval(() => {
    try {
      delayMs = Number(readFileSync(control, 'utf8'));
    } catch {
      delayMs = 0;
    }
  }, 50).unref();
}

/** When the last late bytes of a socket leave: nothing may pass them. */
const lastLeavesAtMs = new WeakMap();
const send = Socket.prototype._writeGeneric;

Socket.prototype._writeGeneric = function (many, data, encoding, done) {
  const nowMs = performance.now();
  const lastMs = lastLeavesAtMs.get(this) ?? 0;
  if (!(this instanceof TLSSocket) || (delayMs === 0 && lastMs <= nowMs)) {
    return send.call(this, many, data, encoding, done);
  }
  const leavesAtMs = Math.max(nowMs + delayMs, lastMs);
  lastLeavesAtMs.set(this, leavesAtMs);
  // The caller may use its memory again once it is told that the bytes are gone.
  const copy = many ? data.map((part) => ({ ...part, chunk: copyOf(part.chunk) })) : copyOf(data);
  if (many) copy.allBuffers = data.allBuffers;
  setTimeout(() => {
    if (!this.destroyed) send.call(this, many, copy, encoding, () => {});
  }, leavesAtMs - nowMs);
  done();
};

function copyOf(chunk) {
  return typeof chunk === 'string' ? chunk : Buffer.from(chunk);
}
