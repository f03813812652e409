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
import { syncCommand } from './sync/sync.ts';

export const folderCommands: readonly Command[] = [
  syncCommand,
  backupCommand,
  restoreCommand,
  snapshotsListCommand,
  snapshotsShowCommand,
  snapshotsForgetCommand,
  snapshotsPruneCommand,
];
