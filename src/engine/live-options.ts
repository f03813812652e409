/** What of its options a running node takes anew without a restart. */
import { DatameshError } from '../errors.ts';
import type { EngineOptions } from './options.ts';

export type LiveOptions = Pick<EngineOptions, 'bandwidth' | 'code' | 'access' | 'nicknames'>;

export interface ReloadReport {
  /** Keys of the configuration whose new values hold from now on. */
  applied: string[];
  /** Keys that changed and wait for a restart. */
  restart: string[];
}

export interface Reload extends ReloadReport {
  options: LiveOptions;
}

export interface ReloadCalls {
  /** Reads the configuration again that the service was started with. Throws `failed` where the engine was opened without one, `config-invalid` … as a start would. */
  reload(): Promise<ReloadReport>;
}

/** `node` as far as this needs it: what a program is told of the engine's types must not lead to the whole node. */
export function applyLive(
  node: { readonly options: EngineOptions; applyBandwidth(): void; readonly access: { apply(): void } },
  { bandwidth, code, access, nicknames }: LiveOptions,
): void {
  const { options } = node;
  options.nicknames = nicknames;
  options.bandwidth = bandwidth;
  options.code = code;
  options.access = access;
  node.applyBandwidth();
  node.access.apply();
}

export function withoutConfiguration(): DatameshError {
  return new DatameshError('failed', {
    what: 'this node was not started from a configuration file',
    mend: 'end the console or program that runs it, and start it again',
  });
}
