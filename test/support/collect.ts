/** Collects all garbage of this thread now, wherever Node was started without --expose-gc: what is in use afterwards is kept by somebody. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

export const collect = runInNewContext('gc') as () => void;
