import { expect, it } from 'vitest';
import { hostOfIp, hostOfMultiaddr } from '../../../src/engine/mesh/pending.ts';

it('a host is an IPv4 address, or the /64 of an IPv6 one however it is shortened', () => {
  expect(hostOfMultiaddr('/ip4/10.0.0.7/tcp/4001')).toBe('10.0.0.7');
  expect(hostOfIp('::ffff:10.0.0.7')).toBe('10.0.0.7');
  expect(hostOfMultiaddr('/ip6/2001:db8:1:2:3:4:5:6/tcp/1')).toBe('2001:db8:1:2::');
  const same = ['2001:db8::1', '2001:db8::9:8:7:6', '2001:0db8:0:0:9::6', '2001:DB8:0:0:9:8:7:6'];
  expect(new Set(same.map(hostOfIp))).toEqual(new Set(['2001:db8:0:0::']));
  expect(hostOfIp('::1')).toBe('0:0:0:0::');
  expect(hostOfIp('fe80::1%eth0')).toBe('fe80:0:0:0::');
  expect(hostOfIp('2001:db8:1:2::9.8.7.6')).toBe('2001:db8:1:2::');
});
