/** The commands of sharing. */
import type { Command } from '../command.ts';
import { importCommand } from './import.ts';
import { shareCommand } from './share.ts';
import { sharesKeyCommand, sharesListCommand, sharesRevokeCommand } from './shares.ts';

export const sharingCommands: readonly Command[] = [
  shareCommand,
  importCommand,
  sharesListCommand,
  sharesKeyCommand,
  sharesRevokeCommand,
];
