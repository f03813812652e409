/** The commands of pools. */
import type { Command } from '../command.ts';
import { poolCreateCommand } from './create.ts';
import { poolListCommand } from './list.ts';
import { poolSetCommand } from './set.ts';
import { poolShowCommand } from './show.ts';

export const poolCommands: readonly Command[] = [
  poolListCommand,
  poolShowCommand,
  poolCreateCommand,
  poolSetCommand,
];
