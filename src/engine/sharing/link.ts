/**
 * Links to shared objects: `datamesh://OBJECT#SECRET`. What opens the object stands behind the #, which no server is ever sent. Pure. Format: docs/FORMATS.md "Links".
 */
import { DatameshError } from '../../errors.ts';
import { blake3 } from '../codec/hash.ts';
import type { Random } from '../effects/random.ts';
import { sealTo } from '../keys/hpke.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { KEY_BYTES } from '../keys/raw-keys.ts';
import { bytesToHex, hexToBytes, isHexId, type ObjectId } from '../types.ts';

const SCHEME = 'datamesh://';
const INFO = Buffer.from('datamesh/share/1');
const SEALED_BYTES = KEY_BYTES + KEY_BYTES + 16;
const MAX_LINK_CHARACTERS = 1_000;
/** What 15 digits tell, the year 33658: a link with more is not read. */
const MAX_UNTIL_MS = 999_999_999_999_999;
const SHARING_KEY = /^dmk-([0-9a-f]{64})([0-9a-f]{8})$/;

export interface LinkTerms {
  /** The reader's datamesh refuses it from then on. A program that does not want to know does not. */
  untilMs: number | undefined;
  /** A wish. */
  readOnce: boolean;
}

export interface Link extends LinkTerms {
  objectId: ObjectId;
  /** The file key itself, or sealed to a reader's sharing key. */
  secret: { fileKey: Uint8Array } | { enc: Uint8Array; ciphertext: Uint8Array };
}

/** What an owner gives to those who are to share with him: his X25519 key and four bytes of its hash against typing errors. */
export function sharingKeyOf(publicKey: Uint8Array): string {
  return `dmk-${bytesToHex(publicKey)}${bytesToHex(blake3(publicKey).subarray(0, 4))}`;
}

/** Throws `bad-value`. */
export function readSharingKey(text: string): Uint8Array {
  const found = SHARING_KEY.exec(text.trim());
  const key = found === null ? undefined : hexToBytes(found[1]!);
  if (key !== undefined && sharingKeyOf(key) === text.trim()) return key;
  throw new DatameshError('bad-value', {
    what: `${JSON.stringify(text.slice(0, 90))} is no sharing key`,
    why: found === null ? 'one is dmk- and 72 digits' : 'its last digits do not fit: it was mistyped',
    mend: 'the reader sees his with `datamesh shares key`',
  });
}

/** A link for whoever has it, or with `recipient` for the owner of that key alone. Throws `bad-value` for an end that no link can tell. */
export function writeLink(
  objectId: ObjectId,
  fileKey: Uint8Array,
  terms: LinkTerms,
  recipient: Uint8Array | undefined,
  random: Random,
): string {
  if (terms.untilMs !== undefined && !(terms.untilMs >= 0 && terms.untilMs <= MAX_UNTIL_MS)) {
    throw new DatameshError('bad-value', {
      what: 'a share cannot be made for that long',
      mend: 'give a date or a duration of some years, or leave it out: the share then has no end',
    });
  }
  const fields: string[] = [];
  if (recipient === undefined) fields.push(`k=${base64(fileKey)}`);
  else {
    const { enc, ciphertext } = sealTo(recipient, fileKey, INFO, bound(objectId, terms), random);
    fields.push(`to=${base64(Buffer.concat([enc, ciphertext]))}`);
  }
  if (terms.untilMs !== undefined) fields.push(`until=${Math.round(terms.untilMs)}`);
  if (terms.readOnce) fields.push('once=1');
  return `${SCHEME}${objectId}#${fields.join('&')}`;
}

/** Throws `bad-value`; the text of a link is never part of an error. */
export function readLink(text: string): Link {
  const link = text.trim();
  const hash = link.indexOf('#');
  const objectId = link.slice(SCHEME.length, hash);
  if (link.length > MAX_LINK_CHARACTERS || !link.startsWith(SCHEME) || hash < 0 || !isHexId(objectId))
    throw noLink('it is not datamesh://, 64 hex digits, # and a secret');
  const fields = new Map<string, string>();
  for (const field of link.slice(hash + 1).split('&')) {
    const at = field.indexOf('=');
    if (at < 1 || fields.has(field.slice(0, at))) throw noLink('what stands behind the # is malformed');
    fields.set(field.slice(0, at), field.slice(at + 1));
  }
  const [k, to, until, once] = ['k', 'to', 'until', 'once'].map((name) => fields.get(name));
  const unknown = [...fields.keys()].some((name) => !['k', 'to', 'until', 'once'].includes(name));
  if (
    unknown ||
    (k === undefined) === (to === undefined) ||
    (until !== undefined && !/^\d{1,15}$/.test(until))
  )
    throw noLink('what stands behind the # is malformed');
  const secret = k ?? to!;
  const bytes = Buffer.from(secret, 'base64url');
  const missing = base64(Buffer.alloc(k === undefined ? SEALED_BYTES : KEY_BYTES)).length - secret.length;
  if (missing > 0) throw noLink('its secret is too short: it was cut off');
  if (missing < 0) throw noLink('its secret is too long: something was added to it');
  // The last character carries bits that are 0 in every link.
  if (base64(bytes) !== secret) throw noLink('its secret is mistyped');
  return {
    objectId: objectId as ObjectId,
    untilMs: until === undefined ? undefined : Number(until),
    readOnce: once === '1',
    secret:
      k === undefined
        ? {
            enc: new Uint8Array(bytes.subarray(0, KEY_BYTES)),
            ciphertext: new Uint8Array(bytes.subarray(KEY_BYTES)),
          }
        : { fileKey: new Uint8Array(bytes) },
  };
}

/** The key that opens the object. Throws `denied` when it is sealed to somebody else. */
export function openLink(link: Link, owner: Pick<OwnerKeys, 'open'>): Uint8Array {
  if ('fileKey' in link.secret) return link.secret.fileKey;
  try {
    return owner.open(link.secret, INFO, bound(link.objectId, link));
  } catch (cause) {
    throw new DatameshError('denied', {
      what: 'this link is not for the owner key of this node',
      why: 'it is sealed to another key, or was changed',
      mend: 'ask for one for the key that `datamesh shares key` shows',
      cause,
    });
  }
}

/** Terms and object cannot be changed in a sealed link. */
function bound(objectId: ObjectId, { untilMs, readOnce }: LinkTerms): Uint8Array {
  return Buffer.from(`${objectId} ${untilMs === undefined ? '-' : Math.round(untilMs)} ${readOnce ? 1 : 0}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function noLink(why: string): DatameshError {
  return new DatameshError('bad-value', {
    what: 'this is no link to a shared object',
    why,
    mend: 'copy the whole link, in quotes: the part behind # is the key',
  });
}
