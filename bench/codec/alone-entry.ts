/** One process that does the pipeline's work in one thread when it is told to: what two of them do at once is what the machine can do. */
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import { type Direction, workOf } from './work.ts';

const size = Number(process.argv[2]);
const work = await workOf(createCodec(), size);

process.on('message', async ({ direction, turnMs }: { direction: Direction; turnMs: number }) => {
  const call = work[direction];
  await call();
  const start = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  do {
    await call();
    calls++;
    elapsedMs = performance.now() - start;
  } while (elapsedMs < turnMs);
  process.send!((calls * size) / elapsedMs / 1e6);
});
process.send!('ready');
