/** What the console does before it loads Ink: `lean` from sources, `built` in a build, `whole` nothing of it. */
import { leanInk } from '../../src/console/lean-ink.ts';

export async function loadInkAs(how: string | undefined): Promise<void> {
  if (how === 'lean') leanInk();
  if (how === 'built') {
    const built: string = new URL('../../dist/console/lean-ink.js', import.meta.url).href;
    ((await import(built)) as { leanInk: typeof leanInk }).leanInk();
  }
}
