/** The commands of folders. */
import type { Command } from '../command.ts';
import { backupCommand } from './backup.ts';
import { restoreCommand } from './restore.ts';
import {
  snapshotsForgetCommand,
  snapshotsListCommand,
  snapshotsPruneCommand,
  snapshotsShowCommand,
} from './snapshots.ts';

export const folderCommands: readonly Command[] = [
  backupCommand,
  restoreCommand,
  snapshotsListCommand,
  snapshotsShowCommand,
  snapshotsForgetCommand,
  snapshotsPruneCommand,
];
