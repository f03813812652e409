/** Sharing with the fake engine: links are real ones, their secrets made up from the object's id. */
import { realRandom } from '../../src/engine/effects/random.ts';
import type { Engine, ObjectView } from '../../src/engine/engine.ts';
import { readLink, readSharingKey, sharingKeyOf, writeLink } from '../../src/engine/sharing/link.ts';
import { hexToBytes } from '../../src/engine/types.ts';
import type { NewShare, ShareOptions, ShareView } from '../../src/engine/views/shares.ts';
import { DatameshError } from '../../src/errors.ts';

interface Parts {
  enter(method: 'shares' | 'quotas'): Promise<void>;
  find(ref: string, version?: number): { view: ObjectView; content: Uint8Array };
  nowMs(): number;
}

export function fakeShares({ enter, find, nowMs }: Parts): Pick<Engine, 'shares' | 'quotas'> {
  const made: ShareView[] = [];
  const shareOne = (view: ObjectView, options: ShareOptions): NewShare => {
    const share: ShareView = {
      id: `share${made.length}`,
      name: view.name,
      version: view.version,
      objectId: view.objectId,
      recipient: options.to,
      createdAtMs: nowMs(),
      untilMs: options.untilMs,
      readOnce: options.readOnce === true,
      revokedAtMs: undefined,
    };
    made.unshift(share);
    const recipient = options.to === undefined ? undefined : readSharingKey(options.to);
    const terms = { untilMs: options.untilMs, readOnce: share.readOnce };
    const key = hexToBytes(view.contentHash);
    return { share, link: writeLink(view.objectId, key, terms, recipient, realRandom()) };
  };
  const limits = new Map<string, number>();
  const quotas = () =>
    [...limits].map(([owner, limitBytes]) => ({
      owner: owner as 'all',
      limitBytes,
      own: true,
      usedBytes: owner === 'all' ? undefined : 1_000,
    }));
  return {
    quotas: {
      async list() {
        await enter('quotas');
        return quotas();
      },
      async set(owner, limitBytes) {
        await enter('quotas');
        if (limitBytes === undefined) limits.delete(owner);
        else limits.set(owner, limitBytes);
        return quotas();
      },
    },
    shares: {
      async key() {
        await enter('shares');
        return sharingKeyOf(new Uint8Array(32).fill(9));
      },
      async share(ref, options = {}) {
        await enter('shares');
        return shareOne(find(ref, options.version).view, options);
      },
      async list() {
        await enter('shares');
        return made;
      },
      async revoke(id, { rekey = false } = {}) {
        await enter('shares');
        const share = made.find((it) => it.id === id)!;
        share.revokedAtMs = nowMs();
        const object = rekey ? find(share.name).view : undefined;
        return { object, unreachable: 0, otherUses: 0, reissued: [] };
      },
      async open(link) {
        await enter('shares');
        const { objectId, readOnce, untilMs } = readLink(link);
        if (untilMs !== undefined && untilMs < Date.now())
          throw new DatameshError('denied', { what: 'this link has expired' });
        const { view, content } = find(objectId);
        const body = (async function* () {
          yield content;
        })();
        return { object: view, offset: 0, length: content.length, body, readOnce };
      },
    },
  };
}
