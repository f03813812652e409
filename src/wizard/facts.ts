/** What the wizard knows of the machine before it asks. Gathered once; what depends on an answer is added as it is given. */
import type { Config } from '../config/schema.ts';

export interface DiskFacts {
  freeBytes: number;
  totalBytes: number;
  kind: 'local' | 'memory' | 'network';
  /** Names of owner keys in a keyring that is there already. */
  keys: string[];
}

export interface PreflightItem {
  label: string;
  state: 'ok' | 'warn' | 'fail';
  detail: string;
}

export interface WizardFacts {
  /** Node name made of the machine's. */
  defaultName: string;
  defaultDataDir: string;
  configPath: string;
  /** The configuration that is there already: the wizard then edits it. */
  existing: Config | undefined;
  preflight: PreflightItem[];
  /** By data folder. */
  disks: Readonly<Record<string, DiskFacts>>;
  /** A fresh phrase, in case one is wanted, and the two words asked back (from 0). Only in memory until it is written. */
  newPhrase: { words: readonly string[]; ask: readonly [number, number] };
}
