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

/** What waits to leave, by socket: one write at a time, as the socket wants it. */
const waiting = new WeakMap();
const send = Socket.prototype._writeGeneric;

Socket.prototype._writeGeneric = function (many, data, encoding, done) {
  let queue = waiting.get(this);
  if (!(this instanceof TLSSocket) || (delayMs === 0 && queue === undefined)) {
    return send.call(this, many, data, encoding, done);
  }
  if (queue === undefined) waiting.set(this, (queue = []));
  // The caller may use its memory again once it is told that the bytes are gone.
  const parts = many ? data.map(({ chunk, encoding: of }) => bytesOf(chunk, of)) : [bytesOf(data, encoding)];
  queue.push({ bytes: Buffer.concat(parts), leavesAtMs: performance.now() + delayMs });
  if (queue.length === 1) leave(this, queue);
  done();
};

function leave(socket, queue) {
  const { bytes, leavesAtMs } = queue[0];
  setTimeout(
    () => {
      if (socket.destroyed) return;
      send.call(socket, false, bytes, 'buffer', () => {
        queue.shift();
        if (queue.length > 0) leave(socket, queue);
        else waiting.delete(socket);
      });
    },
    Math.max(0, leavesAtMs - performance.now()),
  );
}

function bytesOf(chunk, encoding) {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
}
