import { expect, test } from 'vitest';
import { listenBulk } from '../../../../src/engine/mesh/bulk/tls-door.ts';

test('a port that is taken, or beyond the last one, gives way to a free one', async () => {
  const events = { redeem: () => undefined, connected: () => {} };
  const first = await listenBulk('127.0.0.1', 0, events);
  // The plane's port is the one beside libp2p's, which may be the last there is.
  const others = [
    await listenBulk('127.0.0.1', first.port, events),
    await listenBulk('127.0.0.1', 65_536, events),
  ];
  for (const { port } of others) expect(port).not.toBe(first.port);
  for (const server of [first, ...others]) server.close();
});
