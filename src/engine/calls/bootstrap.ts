import { DatameshError } from '../../errors.ts';
import type { DialResult } from '../engine.ts';
import { parseBootstrap, peerOfAddress } from '../mesh/bootstrap-list.ts';
import type { Node } from '../node.ts';

/** `address` of the result: where the node is connected to that peer, which is another one when it was so before. Throws `bad-value` for its own, `peer-unreachable`. */
export async function bootstrapBy(
  { net, membership }: Pick<Node, 'net' | 'membership'>,
  address: string,
): Promise<DialResult> {
  const named = peerOfAddress(parseBootstrap(address).address);
  if (named === net.self) {
    throw new DatameshError('bad-value', {
      what: `${address} is this node itself`,
      mend: 'give the address of another node, as `datamesh status` shows it there',
    });
  }
  // libp2p answers with the connection that is there, whatever the address.
  const open = named !== undefined && net.connected().includes(named) ? net.connection(named) : undefined;
  const { peerId, rttMs } = await membership.join(address);
  return { address: open?.address ?? address, peerId, rttMs };
}
