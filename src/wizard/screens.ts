/** The screens in their order; the rail at the top counts those that ask (1 to 9). */
import type { ScreenId } from './question.ts';

export const SCREENS: readonly { id: ScreenId; title: string }[] = [
  { id: 'preflight', title: 'Welcome' },
  { id: 'profile', title: 'Profile' },
  { id: 'identity', title: 'Role and identity' },
  { id: 'storage', title: 'Storage' },
  { id: 'redundancy', title: 'Redundancy' },
  { id: 'network', title: 'Network' },
  { id: 'bandwidth', title: 'Bandwidth' },
  { id: 'access', title: 'Access' },
  { id: 'extras', title: 'Extras' },
  { id: 'review', title: 'Review' },
  { id: 'done', title: 'Done' },
];

const LAST_NUMBER = 9;

/** "3/9 Storage", or the title alone before and after the questions. */
export function railOf(screen: ScreenId): string {
  const index = SCREENS.findIndex(({ id }) => id === screen);
  const { title } = SCREENS[index]!;
  return index >= 1 && index <= LAST_NUMBER ? `${index}/${LAST_NUMBER} ${title}` : title;
}
