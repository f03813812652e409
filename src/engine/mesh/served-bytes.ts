import type { PeerId } from '../types.ts';

interface Account {
  bytes: number;
  waiting: (() => void)[];
}

/** Bytes of answers that each peer has under way: who is owed much waits for it to leave before more is made ready for him. */
export class ServedBytes {
  private readonly accounts = new Map<PeerId, Account>();
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Resolves when the answer may be made; one alone may be as long as it is. */
  async enter(peer: PeerId, bytes: number): Promise<void> {
    if (bytes === 0) return;
    let account = this.accounts.get(peer);
    if (account === undefined) this.accounts.set(peer, (account = { bytes: 0, waiting: [] }));
    while (account.bytes > 0 && account.bytes + bytes > this.maxBytes) {
      const { waiting } = account;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    account.bytes += bytes;
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
