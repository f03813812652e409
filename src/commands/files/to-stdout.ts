/** `cat` and `get NAME -`: verified bytes to standard output. */
import { DatameshError } from '../../errors.ts';
import type { Context, Values } from '../command.ts';

/** Throws `not-a-terminal` when a person's screen would get the bytes and `force` is not set. */
export async function streamToStdout(
  context: Context,
  refs: readonly string[],
  values: Values,
  force: boolean,
): Promise<undefined> {
  if (context.options.json) {
    throw new DatameshError('bad-value', {
      what: 'raw bytes cannot be written as JSON',
      mend: 'leave out --json, or write to a file',
    });
  }
  if (context.mode === 'one-shot' && context.interactive && !force) {
    throw new DatameshError('not-a-terminal', {
      what: 'standard output is a terminal, which raw bytes could upset',
      mend: 'write to a file or a pipe, or add --force',
    });
  }
  const engine = await context.engine();
  for (const ref of refs) {
    const { body } = await engine.get(
      ref,
      {
        version: values.version as number | undefined,
        offset: values.offset as number | undefined,
        length: values.length as number | undefined,
      },
      { signal: context.signal },
    );
    for await (const chunk of body) {
      context.signal.throwIfAborted();
      await context.out.bytes(chunk);
    }
  }
  return undefined;
}
