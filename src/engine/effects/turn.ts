/**
 * Resolves after the event loop has gone round once: everything that was ready to run has run by then. Not a timer,
 * it measures no time, so a simulator on a virtual clock can use it as it is.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
