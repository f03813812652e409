/**
 * NodeInfos by gossip: every node publishes its own to one topic of its network, gossipsub carries it to all within a second
 * or two. A message proves itself (it is signed by the node it speaks of), so gossipsub's own signatures are off, and what does
 * not prove itself is not passed on.
 */
import { type GossipSub, gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId } from '../types.ts';
import { MAX_GOSSIP_RPC_BYTES, MAX_GOSSIP_UNSENT_BYTES } from './limits.ts';

/** accept: new and passed on. ignore: not passed on, nobody's fault. reject: its sender passed on what is invalid. */
export type Verdict = 'accept' | 'ignore' | 'reject';

export interface Gossip {
  /** To all of this network that are subscribed; nobody being there is no error. */
  publish(info: Uint8Array): void;
  /** Every message once, before it is passed on. `from` is who passed it to us. */
  judge(by: (from: PeerId, info: Uint8Array) => Verdict): void;
}

export function nodeInfoTopic(network: string): string {
  return `/datamesh/${network}/node-info/1`;
}

/** The gossipsub service for a host of this network. */
export function gossipService(network: string) {
  const topic = nodeInfoTopic(network);
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    allowedTopics: [topic],
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    // To the topic's mesh alone: in a full mesh the default would send every heartbeat to every node.
    floodPublish: false,
    emitSelf: false,
    // Each message goes to 4 and is offered to 2 others: with the default of 6 and 6 an idle mesh of 20 nodes spends half as much again.
    D: 4,
    Dlo: 3,
    Dhi: 8,
    Dscore: 2,
    Dout: 1,
    Dlazy: 2,
    // A NodeInfo is hardly longer than the note that one does not want it.
    idontwantMinDataSize: MAX_GOSSIP_RPC_BYTES,
    doPX: false,
    // Its own peer scores stay out of it: more than ten peers of one address (a rack behind one router, a test) would be cut off.
    scoreParams: { IPColocationFactorWeight: 0 },
    // Membership dials and keeps all it knows.
    tagMeshPeers: false,
    // One after the other: otherwise a peer makes as many handlers run as it sends messages.
    awaitRpcHandler: true,
    awaitRpcMessageHandler: true,
    maxInboundDataLength: MAX_GOSSIP_RPC_BYTES,
    // Its writes know no back-pressure: a peer that does not read loses the stream, not our memory.
    maxOutboundBufferSize: MAX_GOSSIP_UNSENT_BYTES,
    maxTopicBytesPerPeer: 4 * 1024,
  });
}

export function gossipOver(service: GossipSub, network: string): Gossip {
  const topic = nodeInfoTopic(network);
  return {
    publish(info) {
      service.publish(topic, info).catch(() => {}); // the next heartbeat says it again
    },
    judge(by) {
      service.topicValidators.set(
        topic,
        (from, message) => VERDICT[by(from.toString() as PeerId, message.data)],
      );
      service.subscribe(topic);
    },
  };
}

const VERDICT: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};
