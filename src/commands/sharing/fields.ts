/** Fields of the records of sharing. */
import { bytes, count, dryRun, type Fields, orNull, text, texts, timeMs, yesNo } from '../fields.ts';
import { OBJECT_FIELDS } from '../files/fields.ts';

export const SHARE_ROW_FIELDS: Fields = {
  id: text,
  name: text,
  version: count,
  objectId: text,
  recipient: orNull(text),
  createdAtMs: timeMs,
  untilMs: orNull(timeMs),
  readOnce: yesNo,
  revokedAtMs: orNull(timeMs),
};

/** The link is a secret, shown once; null where no new one was made. */
export const SHARE_FIELDS: Fields = { ...SHARE_ROW_FIELDS, link: orNull(text) };

export const SHARES_KEY_FIELDS: Fields = { sharingKey: text };

export const EXPORT_FIELDS: Fields = { ...OBJECT_FIELDS, file: text, 'dryRun?': dryRun };

/** Into the mesh, and an object of a bundle to a folder. */
export const IMPORT_FIELDS: readonly Fields[] = [
  { ...OBJECT_FIELDS, file: orNull(text) },
  {
    name: text,
    sizeBytes: bytes,
    mimeType: text,
    tags: texts,
    createdAtMs: timeMs,
    version: { type: 'null' },
    objectId: { type: 'null' },
    file: orNull(text),
  },
];
