/** Inbound connections that have not shown yet who they are, by host: whoever opens many and says nothing must not keep out all others. */

/** Connections, whatever tells them apart. */
export class Pending<C> {
  private readonly byHost = new Map<string, Set<C>>();

  of(host: string): number {
    return this.byHost.get(host)?.size ?? 0;
  }

  add(host: string, connection: C): void {
    const connections = this.byHost.get(host) ?? new Set();
    this.byHost.set(host, connections.add(connection));
  }

  remove(host: string, connection: C): void {
    const connections = this.byHost.get(host);
    if (connections?.delete(connection) && connections.size === 0) this.byHost.delete(host);
  }
}

/** "/ip4/10.0.0.7/tcp/4001" → "10.0.0.7" */
export function hostOfMultiaddr(address: string): string {
  return hostOfIp(address.split('/')[2] ?? '');
}

/** Of an IPv6 address the /64, which is what one machine can have for itself. */
export function hostOfIp(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !ip.includes(':')) return mapped ?? ip;
  const [front = '', back] = ip.split('::');
  const left = groups(front);
  const right = groups(back ?? '');
  const zeros = Array.from({ length: back === undefined ? 0 : 8 - left.length - right.length }, () => '0');
  const all = [...left, ...zeros, ...right].map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
  return `${all.slice(0, 4).join(':')}::`;
}

/** Four bytes at the end may be written as of IPv4, in the place of two groups. */
function groups(text: string): string[] {
  return text === ''
    ? []
    : text.split(':').flatMap((group) => (group.includes('.') ? [group, group] : [group]));
}
