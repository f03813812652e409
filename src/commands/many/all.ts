/** Commands for many objects at once. */
import type { Command } from '../command.ts';
import { batchGetCommand } from './batch-get.ts';
import { batchPutCommand } from './batch-put.ts';
import { batchTagCommand } from './batch-tag.ts';

export const manyCommands: readonly Command[] = [batchPutCommand, batchGetCommand, batchTagCommand];
