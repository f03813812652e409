/** While the console owns the screen, a line that Node or a library writes to stderr would tear it: warnings go into the Output instead. */

export interface WarningCatcher {
  release(): void;
}

export function catchWarnings(tell: (text: string) => void): WarningCatcher {
  const before = process.listeners('warning');
  process.removeAllListeners('warning');
  const onWarning = (warning: Error) => {
    // "SQLite is an experimental feature": nothing a person at the console can act on.
    if (warning.name !== 'ExperimentalWarning' && warning.name !== 'DeprecationWarning') {
      tell(`${warning.name}: ${warning.message}`);
    }
  };
  process.on('warning', onWarning);
  return {
    release() {
      process.off('warning', onWarning);
      for (const listener of before) process.on('warning', listener);
    },
  };
}
