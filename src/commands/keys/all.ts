/** The commands of the group `keys`. */
import type { Command } from '../command.ts';
import { keysDefaultCommand } from './default.ts';
import { keysDestroyCommand } from './destroy.ts';
import { keysExportCommand } from './export.ts';
import { keysImportCommand } from './import.ts';
import { keysListCommand } from './list.ts';
import { keysNewCommand } from './new.ts';
import { keysRotateCommand } from './rotate.ts';

export const keysCommands: readonly Command[] = [
  keysListCommand,
  keysNewCommand,
  keysExportCommand,
  keysImportCommand,
  keysDefaultCommand,
  keysRotateCommand,
  keysDestroyCommand,
];
