/**
 * A relay between hosts, run in the hub of net-spaces.ts: takes the connections they open to each other, and passes their bytes on late and, now and then,
 * as late as TCP would after a loss. argv: port(s, by comma), delay in ms, loss as a share, number of hosts. Says "ready" on stdout.
 */
import { connect, createServer, type Socket } from 'node:net';

const [ports, delay, loss, hosts] = process.argv.slice(2);
const DELAY_MS = Number(delay);
const LOSS = Number(loss);
/** The first retransmission of a segment (RFC 6298: one round trip and its variance, 200 ms at least on Linux). */
const RETRANSMIT_MS = 200 + 2 * DELAY_MS;
const MAX_WAITING_BYTES = 4 << 20;
const hostOf = (address: string | undefined) =>
  Number(/^(?:::ffff:)?10\.7[78]\.(\d+)\./.exec(address ?? '')?.[1]);

function pass(from: Socket, to: Socket): void {
  const queue: { dueMs: number; bytes: Buffer }[] = [];
  let waiting = 0;
  let armed = false;
  const forward = () => {
    armed = false;
    while (queue.length > 0 && queue[0]!.dueMs <= performance.now()) {
      const { bytes } = queue.shift()!;
      waiting -= bytes.length;
      if (!to.destroyed) to.write(bytes);
    }
    if (from.isPaused() && waiting < MAX_WAITING_BYTES) from.resume();
    arm();
  };
  const arm = () => {
    if (armed || queue.length === 0) return;
    armed = true;
    setTimeout(forward, Math.max(0, Math.ceil(queue[0]!.dueMs - performance.now())));
  };
  from.on('data', (bytes: Buffer) => {
    const lateMs = DELAY_MS + (Math.random() < LOSS ? RETRANSMIT_MS : 0);
    // In order: what follows a lost segment waits with it.
    queue.push({ dueMs: Math.max(queue.at(-1)?.dueMs ?? 0, performance.now() + lateMs), bytes });
    waiting += bytes.length;
    if (waiting > MAX_WAITING_BYTES) from.pause();
    arm();
  });
  from.on('close', () => setTimeout(() => to.destroy(), DELAY_MS));
  from.on('error', () => {});
}

let listening = 0;
const wanted = ports!.split(',').length * Number(hosts);
for (const port of ports!.split(',').map(Number)) {
  for (let host = 0; host < Number(hosts); host++) {
    const server = createServer((inbound) => {
      const asker = hostOf(inbound.remoteAddress);
      // It comes from the asker's own address, as if the relay were not there.
      const outbound = connect({ host: `10.78.${host}.2`, port, localAddress: `10.77.${asker}.2` });
      inbound.setNoDelay(true);
      outbound.setNoDelay(true);
      pass(inbound, outbound);
      pass(outbound, inbound);
    });
    server.listen(port, `10.77.${host}.2`, () => {
      if (++listening === wanted) process.stdout.write('ready\n');
    });
  }
}
