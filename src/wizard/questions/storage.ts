import { formatSize, parseSize } from '../../config/units.ts';
import type { DiskFacts } from '../facts.ts';
import type { Question, QuestionContext } from '../question.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Plenty for a first node; a person who wants more says so. */
const MAX_DEFAULT_QUOTA = 100 * GIB;
const MAX_RESERVE_PERCENT = 90;

function diskOf({ facts, value }: QuestionContext): DiskFacts | undefined {
  return facts.disks[value('data-dir')];
}

/** Bytes that may be offered: what is free, less the share of the disk that must stay so. */
export function offerableBytes(disk: DiskFacts, reservePercent: number): number {
  return Math.max(0, Math.floor(disk.freeBytes - (disk.totalBytes * reservePercent) / 100));
}

function defaultQuota(context: QuestionContext): string {
  const disk = diskOf(context);
  if (disk === undefined) return formatSize(MAX_DEFAULT_QUOTA);
  const offerable = offerableBytes(disk, Number(context.value('reserve')));
  const wanted = Math.min(MAX_DEFAULT_QUOTA, disk.freeBytes / 2, offerable);
  // Whole units: nobody wants to read 52,419,170,304.
  return formatSize(Math.floor(wanted / (wanted >= GIB ? GIB : MIB)) * (wanted >= GIB ? GIB : MIB));
}

export const STORAGE_QUESTIONS: readonly Question[] = [
  {
    id: 'reserve',
    screen: 'storage',
    title: 'Share of the disk that stays free, in percent',
    kind: 'text',
    why: 'A full disk stops every program on it. datamesh refuses new shards before that, and still reads and deletes.',
    later: 'datamesh config set storage.reservePercent N',
    default: () => '10',
    validate: (text) =>
      /^\d+$/.test(text) && Number(text) <= MAX_RESERVE_PERCENT
        ? undefined
        : `a whole number from 0 to ${MAX_RESERVE_PERCENT}`,
  },
  {
    id: 'quota',
    screen: 'storage',
    title: 'Space to offer for shards',
    kind: 'text',
    why: 'Shards of the network rest there, sealed: this node cannot read them. 0 stores nothing for anybody.',
    later: 'datamesh config set storage.quotaBytes SIZE',
    default: defaultQuota,
    validate(text, context) {
      const bytes = parseSize(text);
      if (bytes === undefined) return 'a size such as 100GiB or 500MB';
      const disk = diskOf(context);
      // What an existing node holds already is part of its quota, and no longer free.
      const present = context.facts.existing?.storage.quotaBytes ?? 0;
      if (disk === undefined || bytes <= present) return undefined;
      const reserve = Number(context.value('reserve'));
      const most = offerableBytes(disk, reserve);
      if (bytes <= most) return undefined;
      return `only ${short(most)} can be offered: ${short(disk.freeBytes)} are free and ${reserve} % of ${short(disk.totalBytes)} stay so`;
    },
    note(_, context) {
      const disk = diskOf(context);
      if (disk === undefined) return undefined;
      const warning =
        disk.kind === 'memory'
          ? ' This folder is in memory: everything in it is gone after a restart.'
          : disk.kind === 'network'
            ? ' This folder is on a network disk: fsync may not mean what it should.'
            : '';
      return `${short(disk.freeBytes)} of ${short(disk.totalBytes)} are free.${warning}`;
    },
  },
];

/** Three digits are enough to judge a disk by. */
function short(bytes: number): string {
  const [unit, factor] = bytes >= GIB ? ['GiB', GIB] : ['MiB', MIB];
  return `${Number((bytes / (factor as number)).toPrecision(3))} ${unit}`;
}
