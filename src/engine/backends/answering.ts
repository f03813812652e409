/** What every service of a holder does around its answers: strangers are sent back, and an error becomes a status that the asker understands. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { type NetAnswer, type NetMessage, NO_BYTES, type RequestHandler } from '../effects/net.ts';
import type { OwnerId, PeerId } from '../types.ts';
import { encodeFailure } from './shard-protocol.ts';

export function answering(
  answer: (from: PeerId, message: NetMessage) => NetAnswer | Promise<NetAnswer>,
): RequestHandler {
  return async (from, message) => {
    try {
      return await answer(from, message);
    } catch (error) {
      return { header: encodeFailure(asDatameshError(error)), body: NO_BYTES };
    }
  };
}

/** Owners the peer has proved to act for. Throws `denied` when it has not introduced itself. */
export function introduced(owners: ReadonlySet<OwnerId> | undefined): ReadonlySet<OwnerId> {
  if (owners !== undefined) return owners;
  throw new DatameshError('denied', { what: 'introduce yourself first (hello)' });
}
