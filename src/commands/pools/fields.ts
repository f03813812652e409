/** Fields of the records of the pool commands. */
import {
  anything,
  bytes,
  code,
  count,
  type Fields,
  figure,
  integer,
  listOf,
  ms,
  orNull,
  text,
  texts,
  timeMs,
  yesNo,
} from '../fields.ts';

export const POOL_FIELDS: Fields = {
  name: text,
  code,
  domain: text,
  compress: yesNo,
  nodes: texts,
  dirs: texts,
  folders: listOf({ type: 'object' }),
  separateDisks: yesNo,
  objects: count,
  versions: count,
  logicalBytes: bytes,
  storedBytes: bytes,
  quotaBytes: orNull(bytes),
  keepVersions: orNull(count),
  keepAgeMs: orNull(ms),
  keepBytes: orNull(bytes),
  createdAtMs: orNull(timeMs),
};

export const POOL_DETAIL_FIELDS: Fields = {
  ...POOL_FIELDS,
  holders: count,
  at: anything,
  wanted: count,
  placeable: count,
  domainsNeeded: count,
  whole: yesNo,
  accepted: yesNo,
  survivesDisks: integer,
  survivesNodes: integer,
  survivesRacks: integer,
  survivesZones: integer,
  arithmetic: orNull(text),
};

/** The last six only with --durability. */
export const POOL_SHOW_FIELDS: Fields = {
  ...POOL_DETAIL_FIELDS,
  'stripeLossPerYear?': figure,
  'objectLossPerYear?': figure,
  'stripes?': count,
  'mttdlYears?': figure,
  'rebuildMs?': ms,
  'assumptions?': { type: 'object' },
};
