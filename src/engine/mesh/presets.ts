/** What each network preset sets; the host is built from this, and `datamesh networks` shows it. */
import type { NetworkOptions } from '../options.ts';

export interface NetworkPreset {
  /** Address it listens on. */
  listenHost: string;
  /** Finds and tells neighbours by mdns. */
  mdns: boolean;
  /** Whether addresses of the public internet are kept in the DHT. */
  publicAddresses: boolean;
}

export const NETWORK_PRESETS: Readonly<Record<NetworkOptions['preset'], NetworkPreset>> = {
  local: { listenHost: '127.0.0.1', mdns: false, publicAddresses: true },
  lan: { listenHost: '0.0.0.0', mdns: true, publicAddresses: false },
  custom: { listenHost: '0.0.0.0', mdns: false, publicAddresses: true },
};
