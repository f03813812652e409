/** Peers that end with the test that started them. */
import { onTestFinished } from 'vitest';
import { startPeer, type TestPeer, type TestPeerOptions } from './support.ts';

export async function start(name: string, options: TestPeerOptions = {}): Promise<TestPeer> {
  const peer = await startPeer(name, options);
  let stopping: Promise<void> | undefined;
  // A test may stop it before.
  const ended = { ...peer, stop: () => (stopping ??= peer.stop()) };
  onTestFinished(ended.stop);
  return ended;
}
