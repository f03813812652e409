import { expect, test } from 'vitest';
import { TrafficMeter } from '../../../src/engine/mesh/traffic.ts';

test('what another plane moved is counted for its peer, its plane and in all', () => {
  const traffic = new TrafficMeter();
  traffic.add('a', 'tls', 'sent', 100);
  traffic.add('a', 'tls', 'received', 7);
  traffic.add('a', 'libp2p', 'sent', 1);
  traffic.add('b', 'tls', 'sent', 5);
  expect(traffic.planes('a')).toEqual({
    libp2p: { sentBytes: 1, receivedBytes: 0 },
    tls: { sentBytes: 100, receivedBytes: 7 },
  });
  expect(traffic.peer('a')).toEqual({ sentBytes: 101, receivedBytes: 7 });
  expect(traffic.total).toEqual({ sentBytes: 106, receivedBytes: 7 });
  expect(traffic.byProtocol()).toEqual([{ protocol: 'bulk over TLS', sentBytes: 105, receivedBytes: 7 }]);
  traffic.forget('a');
  expect(traffic.peer('a')).toEqual({ sentBytes: 0, receivedBytes: 0 });
});
