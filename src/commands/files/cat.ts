import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { RANGE_OPTIONS } from './get.ts';
import { streamToStdout } from './to-stdout.ts';

export const catCommand: Command = {
  path: ['cat'],
  group: 'files',
  summary: 'Write objects to standard output, one after another',
  args: [
    { name: 'objects', type: { kind: 'object' }, summary: 'Names or ids', required: true, variadic: true },
  ],
  options: [...RANGE_OPTIONS, { name: 'force', short: 'f', summary: 'Write bytes to a terminal' }],
  examples: [
    { line: 'datamesh cat notes.txt | less', note: 'read a text' },
    { line: 'datamesh cat part-1 part-2 > whole', note: 'join objects' },
    {
      line: 'datamesh cat disk.img --offset 1MiB --length 512',
      note: 'only the bytes asked for are fetched',
    },
  ],
  effects: 'reads',
  needs: 'engine',
  exits: [
    {
      code: EXIT.integrity,
      meaning: 'data are missing or not authentic; every byte written before is right',
    },
    { code: EXIT.notFound, meaning: 'there is no such object' },
  ],
  run: (context, values) =>
    streamToStdout(context, values.objects as string[], values, values.force === true),
};
