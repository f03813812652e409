import type { Context } from './command.ts';

/** Whether records are wanted by who called. A person, or a shell's $(…), gets what is a single text as that text alone, which no column can cut. */
export function forPrograms(context: Pick<Context, 'options' | 'mode'>): boolean {
  return context.options.json || context.mode === 'batch';
}
