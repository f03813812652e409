import type { PeerId } from '../types.ts';

interface Account {
  bytes: number;
  waiting: (() => void)[];
}

/** Bytes that each peer has under way, of answers or of requests: who has much waits for it to leave before there is memory for more of him. */
export class ServedBytes {
  private readonly accounts = new Map<PeerId, Account>();
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Resolves when there is room; one alone may be as long as it is. */
  async enter(peer: PeerId, bytes: number): Promise<void> {
    while (!this.tryEnter(peer, bytes)) {
      const { waiting } = this.accounts.get(peer)!;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  /** `enter`, if there is room now. */
  tryEnter(peer: PeerId, bytes: number): boolean {
    if (bytes === 0) return true;
    let account = this.accounts.get(peer);
    if (account === undefined) this.accounts.set(peer, (account = { bytes: 0, waiting: [] }));
    if (account.bytes > 0 && account.bytes + bytes > this.maxBytes) return false;
    account.bytes += bytes;
    return true;
  }

  leave(peer: PeerId, bytes: number): void {
    const account = this.accounts.get(peer);
    if (bytes === 0 || account === undefined) return;
    account.bytes -= bytes;
    const waiting = account.waiting.splice(0);
    if (account.bytes === 0 && waiting.length === 0) this.accounts.delete(peer);
    for (const wake of waiting) wake();
  }
}
