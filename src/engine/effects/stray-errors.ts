/**
 * Policy for rejections that nobody awaited. The network library starts work of its own when a peer connects, dials or
 * resets, and some of it rejects after everybody stopped listening: a stranger must not end a node that way. Such an
 * error becomes an event; any other unhandled rejection is a defect of ours and ends the process, as Node does by itself.
 */

/** True when the error was made inside the network libraries, by its stack. */
export function isStrayNetworkError(reason: unknown): boolean {
  if (!(reason instanceof Error)) return false;
  const lines = (reason.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  // Frames of Node itself say nothing of who is to blame; the first frame of a package does.
  const first = lines.find((line) => !/\(?node:|<anonymous>/.test(line));
  return (
    first !== undefined &&
    /node_modules[\\/](?:libp2p|@libp2p|@chainsafe|@multiformats|it-|race-)/.test(first)
  );
}

/** Installs the policy for this process; returns how to take it off again. */
export function tolerateStrayRejections(log: (text: string) => void): () => void {
  const onRejection = (reason: unknown) => {
    if (isStrayNetworkError(reason)) return log(`a network error nobody waited for: ${String(reason)}`);
    // Others may have taken over crashes (the console puts the terminal back first); alone, this must not swallow one.
    if (process.listenerCount('unhandledRejection') > 1) return;
    queueMicrotask(() => {
      throw reason;
    });
  };
  process.on('unhandledRejection', onRejection);
  return () => process.off('unhandledRejection', onRejection);
}
