/** What the tutorial teaches: words, and the command that shows them to be true. */

export interface Lesson {
  title: string;
  say: string;
  /** Done before the command; `kill` ends a node at once, `rewrite` changes the file that was stored. */
  before?: 'kill' | 'rewrite';
  line: string;
}

/** The mesh has four nodes and codes 2+1; `holiday.bin` and `notes.txt` lie in the current folder. */
export const LESSONS: readonly Lesson[] = [
  {
    title: 'Who is there',
    say: 'Four nodes run on this machine, each a process with a disk folder of its own. You are the owner of one; the others only keep shards for you.',
    line: 'peers',
  },
  {
    title: 'Store a file',
    say: 'The file is encrypted here, cut into chunks, and each chunk coded into 2 data and 1 parity shards on three different nodes. The command ends when they are on disk there.',
    line: 'put holiday.bin --tags first,large',
  },
  {
    title: 'Small ones too',
    say: 'A small file goes into its own description, which is kept on as many nodes.',
    line: 'put notes.txt --name docs/notes.txt',
  },
  { title: 'What is stored', say: 'Names are paths. list shows them; ls is the same.', line: 'list' },
  {
    title: 'Filters',
    say: 'What a command yields are records, and filters work on these: here those of more than 100 KiB, by two of their fields.',
    line: 'list | where sizeBytes > 100KiB | cols name,sizeBytes',
  },
  {
    title: 'Where it lies',
    say: 'Each shard of the first chunk, with the node that has it: never two of a chunk on one node.',
    line: 'info holiday.bin --shards --stripes 1',
  },
  { title: 'Read it', say: 'Every shard is verified on its way in.', line: 'cat docs/notes.txt' },
  {
    title: 'Versions',
    say: 'The notes were changed. A put over a name keeps the version before.',
    before: 'rewrite',
    line: 'put notes.txt --name docs/notes.txt',
  },
  { title: 'Both are there', say: 'get --version reads any of them.', line: 'versions docs/notes.txt' },
  {
    title: 'Delete',
    say: 'A deleted name can be brought back until it is purged. --yes answers the question that would be asked.',
    line: 'delete docs/notes.txt --yes',
  },
  { title: 'And back', say: 'With all its versions.', line: 'undelete docs/notes.txt' },
  {
    title: 'Health',
    say: 'A census: every holder is asked for every shard now. Spare is what may still be lost; here one shard of each chunk.',
    line: 'health',
  },
  {
    title: 'What if',
    say: 'What would the loss of a node do? Asked before it happens.',
    line: 'whatif lose node-3',
  },
  {
    title: 'A node dies',
    say: 'node-3 was just killed, without a chance to say goodbye. The file is read from those left.',
    before: 'kill',
    line: 'get holiday.bin read-back.bin',
  },
  {
    title: 'And now',
    say: 'What lived on it is missing, and the nodes left make it anew by themselves after a while: repair would do it at once.',
    line: 'health',
  },
  {
    title: 'Help',
    say: 'Every command has help with three examples that were run before they were printed. datamesh init sets up a node of your own.',
    line: 'help get',
  },
];
