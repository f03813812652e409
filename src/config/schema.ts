/** Shape of the configuration file. The wizard writes it, conf stores it, every field can be overridden. */

export interface Config {
  /** Format version of this file. */
  version: 2;
  node: {
    name: string;
    dataDir: string;
    role: 'regular' | 'bootstrap' | 'service';
    priority: 'low' | 'normal';
  };
  network: {
    name: string;
    preset: 'local' | 'lan' | 'custom';
    port: number;
    bootstrap: string[];
    zone: string;
    rack: string;
    protocol: number;
    nicknames: string[];
  };
  storage: { quotaBytes: number; reservePercent: number };
  reads: { cacheBytes: number; cacheSeconds: number };
  cleanup: { delayHours: number };
  redundancy: { k: number; m: number };
  bandwidth: { upBytesPerSecond: number; downBytesPerSecond: number; schedule: string[] };
  access: { mode: 'open' | 'allow-list'; allow: string[]; deny: string[] };
  metrics: { port: number };
  observe: { traces: string; logLevel: 'debug' | 'info' | 'warn' | 'error' };
  console: { history: boolean; editorMode: EditorMode; mouse: boolean };
}

/** Keys of the console's prompt. */
export type EditorMode = 'emacs' | 'vi';
