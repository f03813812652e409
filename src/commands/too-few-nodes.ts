/** Where the mesh is too small for a policy: what of it the options of the command at hand can change. The engine knows none of them. */
import { DatameshError } from '../errors.ts';
import type { Command } from './command.ts';

/** Nodes that the smallest code with parity wants. */
const SMALL_CODE = { profile: '2+1', nodes: 3 };

/** Another error as it is. */
export function withOwnMends({ options }: Command, error: DatameshError): DatameshError {
  const { wanted, domain, domains } = (error.details ?? {}) as Record<string, unknown>;
  if (error.code !== 'too-few-nodes' || domain === undefined) return error;
  const has = (wantedName: string) => options.some(({ name }) => name === wantedName);
  const ways = error.mend === undefined ? [] : [error.mend];
  if (domain === 'node' && Number(domains) >= SMALL_CODE.nodes && Number(wanted) > SMALL_CODE.nodes) {
    const { profile, nodes } = SMALL_CODE;
    if (has('code')) ways.push(`choose a smaller code (--code ${profile} needs ${nodes})`);
    else if (has('pool'))
      ways.push(`name a pool with a smaller code with --pool (${profile} needs ${nodes})`);
  }
  if (has('allow-degraded')) ways.push('go on all the same with --allow-degraded');
  const { code, message: what, why, details, cause } = error;
  return new DatameshError(code, { what, why, mend: ways.join(', or ') || undefined, details, cause });
}
