/** Shares as rows. */
import type { ShareView } from '../../engine/views/shares.ts';
import type { OutputRecord } from '../command.ts';

export function shareRecord(share: ShareView): OutputRecord {
  const { id, name, version, objectId, recipient, createdAtMs, untilMs, readOnce, revokedAtMs } = share;
  return {
    id,
    name,
    version,
    objectId,
    recipient: recipient ?? null,
    createdAtMs,
    untilMs: untilMs ?? null,
    readOnce,
    revokedAtMs: revokedAtMs ?? null,
  };
}
