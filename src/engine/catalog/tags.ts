/** What a tag may be. */
import { DatameshError } from '../../errors.ts';
import { MAX_TAG_BYTES, MAX_TAGS } from '../codec/manifest-limits.ts';

/** Throws `bad-value`. */
export function checkTags(tags: readonly string[]): void {
  const bad = tags.find((tag) => tag === '' || !tag.isWellFormed() || Buffer.byteLength(tag) > MAX_TAG_BYTES);
  if (bad === undefined && tags.length <= MAX_TAGS) return;
  throw new DatameshError('bad-value', {
    what: bad === undefined ? `${tags.length} tags are too many` : 'a tag is empty or too long',
    why: `an object has up to ${MAX_TAGS} tags of 1 to ${MAX_TAG_BYTES} bytes`,
  });
}
