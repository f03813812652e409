/** Sizes of what a backup writes, and the bounds of what is read back. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Average length of content chunks (a quarter to four times that, content-chunker.ts): restic's, and a file below 256 KiB is never cut. */
export const CHUNK_AVERAGE_BYTES = MIB;
/** Of the stream of tree entries: some 250 entries each, so a changed file costs few kilobytes of tree. */
export const TREE_CHUNK_AVERAGE_BYTES = 32 * KIB;
/** Content is read from files in steps of this. */
export const READ_BYTES = MIB;
/** Zeros of a sparse file are left out where this many, aligned, lie together; a run below costs less than its place in the list. */
export const HOLE_BYTES = 64 * KIB;
/** A restored sparse file has holes where blocks of this are zero: the page of every common file system. */
export const SPARSE_BLOCK_BYTES = 4 * KIB;

/** A pack is closed above this: large enough that its manifest weighs little, small enough that an interrupted run loses little. */
export const PACK_BYTES = 32 * MIB;
/** Packs of tree chunks are gathered in memory, so that reading a tree is not reading the files beside it. */
export const TREE_PACK_BYTES = 8 * MIB;
/** Pieces of a pack that go to the put at once. */
export const PIECE_BYTES = MIB;
/** Pieces given to puts and not taken yet. */
export const MAX_PENDING_BYTES = 24 * MIB;

/** An entry of the tree with its list of chunks: a file of 1.6 million chunks, some 1.6 TB. */
export const MAX_ENTRY_BYTES = 64 * MIB;
/** PATH_MAX of Linux is 4096; trees deeper than that can be made step by step, so there is room. */
export const MAX_PATH_BYTES = 32 * KIB;
export const MAX_NAME_BYTES = 1024;
/** Chunks of a pack: 32 MiB of empty-ish files are not reached before. */
export const MAX_PACK_CHUNKS = 65_536;
/** Snapshot objects: 64-KiB lists of tree chunks are a tree of 65 million bytes; a hundred times that is enough. */
export const MAX_SNAPSHOT_BYTES = 8 * MIB;
/** Index objects are written per run; a first backup of 1 TB is a million chunks of 36 bytes. */
export const MAX_INDEX_BYTES = 512 * MIB;
/** Paths that a report names; more are counted. */
export const MAX_LISTED = 100;

/** Ranges read from packs for a restore, and how many of them at a time. */
export const RANGE_BYTES = 32 * MIB;
export const RANGES_AHEAD = 2;
/** Bytes between two wanted chunks that are read along: a stripe has to be read whole anyway. */
export const RANGE_GAP_BYTES = 4 * MIB;
/** Content of the files that are restored together. */
export const BATCH_BYTES = 64 * MIB;
export const BATCH_FILES = 16_384;
