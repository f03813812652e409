/**
 * Limits of a manifest, and with it of an object, in one place: catalog, control API and commands take theirs from here. A reader refuses what exceeds them
 * before it allocates or computes.
 */

/** The whole of it; also the bound of what a hostile one can cost. Some 35,000 stripes at 10+4, 80,000 at 4+2. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** 256 GiB of 4 MiB chunks, 4 TiB of 64 MiB chunks. */
export const MAX_STRIPES = 65_536;
/** Distinct holders of one object; also keeps a holder's index in 16 bits with room for "none". */
export const MAX_PEERS = 4096;
/** A libp2p peer id of an Ed25519 key has 52 characters, of an RSA key 46. */
export const MAX_PEER_ID_CHARS = 128;
/** Owners the file key is sealed to: 88 bytes each. */
export const MAX_RECIPIENTS = 1024;
/** A name is a key in the catalog; UTF-8. */
export const MAX_NAME_BYTES = 1024;
export const MAX_MIME_TYPE_BYTES = 255;
export const MAX_TAGS = 64;
export const MAX_TAG_BYTES = 128;
/** Objects up to this size have no stripes: their content lies in the sealed half. */
export const MAX_INLINE_BYTES = 4096;
/** Name, tags, inline content and field heads. */
export const MAX_BOX_BYTES = 64 * 1024;
/** The largest chunk a stripe may have: one replica of it must fit into a frame of the shard protocol. */
export const MAX_MANIFEST_CHUNK_BYTES = 64 * 1024 * 1024;
