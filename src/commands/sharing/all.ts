/** The commands of sharing. */
import type { Command } from '../command.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { shareCommand } from './share.ts';
import { sharesKeyCommand, sharesListCommand, sharesRevokeCommand } from './shares.ts';

export const sharingCommands: readonly Command[] = [
  shareCommand,
  importCommand,
  exportCommand,
  sharesListCommand,
  sharesKeyCommand,
  sharesRevokeCommand,
];
