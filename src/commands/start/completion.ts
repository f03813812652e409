import type { Engine } from '../../engine/engine.ts';
import type { CompletionSources, Suggestion } from '../../lang/complete.ts';
import type { Command, Context } from '../command.ts';
import { safeText } from '../format/safe-text.ts';
import { placesOf } from '../network/places.ts';
import { completionScript, SHELLS, type Shell } from './completion-scripts.ts';

export const completionCommand: Command = {
  path: ['completion'],
  group: 'start',
  summary: 'Print the completion script of a shell',
  args: [
    { name: 'shell', type: { kind: 'enum', values: SHELLS }, summary: 'bash, zsh or fish', required: true },
  ],
  options: [],
  examples: [
    { line: 'eval "$(datamesh completion bash)"', note: 'in ~/.bashrc' },
    { line: 'datamesh completion zsh > ~/.zfunc/_datamesh', note: 'into a folder of $fpath' },
    { line: 'datamesh completion fish | source', note: 'in config.fish' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run({ out }, values) {
    out.note(completionScript(values.shell as Shell));
  },
};

/** A shell waits for this at most, on a busy machine; a service that is stuck completes nothing. */
const SOURCE_MS = 1500;
/** Objects asked of the catalog. */
const MAX_OBJECTS = 200;

/** `value TAB summary` lines for the last of the words. Never fails: a shell has no use for an error here. */
export const completeCommand: Command = {
  path: ['__complete'],
  group: 'start',
  summary: 'Complete a command line, for the shells',
  hidden: true,
  args: [
    {
      name: 'words',
      type: { kind: 'string' },
      summary: "Words after 'datamesh'; the last is completed",
      required: false,
      variadic: true,
    },
  ],
  options: [{ name: 'line', type: { kind: 'string' }, summary: 'The line as typed, in place of words' }],
  examples: [
    { line: 'datamesh __complete -- pu', note: 'commands' },
    { line: "datamesh __complete -- list --sort ''", note: 'values of an option' },
    { line: "datamesh __complete --line 'datamesh get ho'", note: 'from the line as typed' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run(context, values) {
    const [{ complete, completeWords }, { wholeRegistry }] = await Promise.all([
      import('../../lang/complete.ts'),
      import('../all.ts'),
    ]);
    const options = {
      registry: wholeRegistry(),
      sources: completionSources(context, () => context.service()),
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(SOURCE_MS)]),
    };
    const line = (values.line as string | undefined)?.replace(/^\s*\S+\s?/, '');
    const items =
      line === undefined
        ? await completeWords(values.words as string[], options)
        : (await complete(line, line.length, options)).items;
    for (const { value, summary } of items) {
      // A name with a line end would be two candidates; it cannot be completed in a shell.
      if (safeText(value) === value) context.out.note(`${value}\t${safeText(summary)}`);
    }
  },
};

/** What completion may ask; `engine` gives the engine that is at hand and must not start one. */
export function completionSources(
  context: Pick<Context, 'cwd' | 'env' | 'signal'>,
  engine: () => Promise<Engine | undefined>,
): CompletionSources {
  return {
    async objects(prefix, signal) {
      const found = await withSignal(signal, async () =>
        (await engine())?.list({ prefix, limit: MAX_OBJECTS }),
      );
      return (found?.objects ?? []).map(({ name }) => ({ value: name }));
    },
    async peers(_prefix, signal) {
      const found = await withSignal(signal, async () => (await engine())?.peers());
      return (found ?? []).flatMap(({ peerId, name }) => [
        ...(name === undefined ? [] : [{ value: name, summary: peerId }]),
        { value: peerId, summary: name ?? '' },
      ]);
    },
    async places(_prefix, signal) {
      const found = await withSignal(signal, async () => (await engine())?.peers());
      return placesOf(found ?? []);
    },
    async configKeys(): Promise<Suggestion[]> {
      const { CONFIG_FIELDS } = await import('../../config/fields.ts');
      return CONFIG_FIELDS.map(({ key, summary }) => ({ value: key, summary }));
    },
    async paths(prefix) {
      const { completePath } = await import('../../lang/complete-paths.ts');
      return completePath(prefix, context.cwd);
    },
  };
}

async function withSignal<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    ask()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
