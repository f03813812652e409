/** What is said of a snapshot that cannot be read, itself or its tree. */
import { DatameshError } from '../../errors.ts';

/** @param who what is not done with it */
export function unreadable(
  { id, error }: { id: string; error: DatameshError },
  who: 'reads' | 'forgets' | 'prunes',
): DatameshError {
  const again = error.mend ?? 'try again when more nodes are there';
  const { why, mend } = {
    reads: { why: error.why, mend: `${again}; see which others there are: datamesh snapshots` },
    forgets: {
      why: 'whether it is one of those that are meant stands in itself',
      mend: 'name what is to be forgotten by its id alone: datamesh snapshots shows them',
    },
    prunes: {
      why: 'what it refers to is not known, so nothing was deleted',
      mend: `${again}; if it is lost for good, give it up: datamesh snapshots forget ${id}`,
    },
  }[who];
  return new DatameshError(error.code, {
    what: `snapshot ${id} cannot be read: ${error.message}`,
    ...{ why, mend, cause: error },
  });
}
