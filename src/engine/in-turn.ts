/** Tasks one after another. */
export type InTurn = <T>(task: () => Promise<T>) => Promise<T>;

/** What runs each task when the one given before it has ended, well or not. Keeps nothing of their results. */
export function inTurn(): InTurn {
  let last: Promise<void> = Promise.resolve();
  const ended = () => undefined;
  return (task) => {
    const mine = last.then(task);
    last = mine.then(ended, ended);
    return mine;
  };
}
