/** What a restore made or took over, by device and inode: another name that leads there is, to this file system, the same name, or one more name of the file. */
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';
import { parentOf } from './tree-order.ts';

type Inode = Pick<TreeStat, 'device' | 'inode'>;

const CLASH =
  'another name there is the same to this file system (they differ in case, or in how they are written)';

export class OwnThings {
  readonly #tree: Pick<FileTree, 'list'>;
  readonly #pathOf: (path: Buffer) => TreePath;
  /** The path that it was made or met under. */
  readonly #paths = new Map<string, Buffer>();
  /** Names in folders, by path in latin1, as they were when a name there was first asked for. */
  readonly #names = new Map<string, Set<string>>();

  /** @param pathOf absolute path of one in the tree */
  constructor(tree: Pick<FileTree, 'list'>, pathOf: (path: Buffer) => TreePath) {
    this.#tree = tree;
    this.#pathOf = pathOf;
  }

  add(found: Inode, path: Buffer): void {
    this.#paths.set(keyOf(found), path);
  }

  has(found: Inode): boolean {
    return this.#paths.has(keyOf(found));
  }

  /** Throws where writing to `path` would replace what was made under another name. */
  refuseClash(found: TreeStat | undefined, path: Buffer): void {
    const own = found === undefined ? undefined : this.#paths.get(keyOf(found));
    if (own === undefined) return;
    const isFurtherName = found!.links > 1 && found!.kind === 'file';
    if (!isFurtherName || !this.#isListed(own) || !this.#isListed(path)) throw new Error(CLASH);
  }

  /** Whether its folder names it just so: a name that is only the same as another is not listed beside it. */
  #isListed(path: Buffer): boolean {
    const folder = parentOf(path)!;
    const key = folder.toString('latin1');
    let names = this.#names.get(key);
    if (names === undefined) {
      names = new Set(this.#tree.list(this.#pathOf(folder)).map((name) => name.toString('latin1')));
      this.#names.set(key, names);
    }
    return names.has(path.toString('latin1', path.lastIndexOf('/') + 1));
  }
}

function keyOf({ device, inode }: Inode): string {
  return `${device}:${inode}`;
}
