/** A keyring on a real disk, where other processes may change it at the same time. */
import { lockSoon } from '../effects/lock.ts';
import { type Keyring, type KeyringEffects, openKeyring } from './keyring.ts';

/** As `openKeyring`; each change waits until no other process is at one, and throws `lock-held` when that takes too long. */
export function openLockedKeyring(
  effects: Omit<KeyringEffects, 'lock'>,
  path: string,
  passphrase?: string,
): Promise<Keyring> {
  const lock = (at: string) => lockSoon(effects.disk, at, effects.clock);
  return openKeyring({ ...effects, lock }, path, passphrase);
}
