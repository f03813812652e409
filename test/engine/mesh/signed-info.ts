import type { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import { type NodeInfo, signNodeInfo } from '../../../src/engine/mesh/node-info.ts';

/** What a node of the network `home` says of itself. */
export function signedInfo(
  { peerId, sign }: ReturnType<typeof deviceOfSeed>,
  change: Partial<NodeInfo> = {},
): Uint8Array {
  const info: NodeInfo = {
    peerId,
    network: 'home',
    name: 'alpha',
    role: 'regular',
    zone: '',
    rack: '',
    version: '0.1.0',
    protocols: [1, 2],
    addresses: [],
    capacityBytes: 1,
    freeBytes: 1,
    shards: 0,
    state: 'active',
    seq: 1,
  };
  return signNodeInfo({ ...info, ...change }, sign);
}
