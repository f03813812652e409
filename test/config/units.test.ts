import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAllowed, checkMultiaddr, checkNodeName } from '../../src/config/checks.ts';
import { nodeNameOf } from '../../src/config/default-name.ts';
import { didYouMean, suggestKey } from '../../src/config/suggest.ts';
import { formatSize, parseRate, parseSize } from '../../src/config/units.ts';

describe('sizes', () => {
  it.each([
    ['10GiB', 10 * 2 ** 30],
    ['500MB', 5e8],
    ['4096', 4096],
    ['1.5 KiB', 1536],
    ['0', 0],
    ['2t', 2e12],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'GiB', '-1', '10 GiBs', '1e9', '0x10', '99999999TiB', 'NaN'])('refuses "%s"', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it('formats exactly: parse ∘ format is the identity', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 45 }), fc.integer({ min: 0, max: 5 }), (n, shift) => {
        const bytes = n * 2 ** (shift * 1);
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });

  it.each([
    ['2MiB/s', 2 ** 21],
    ['1MBps', 1e6],
    ['0', 0],
  ])('rate %s', (text, bytes) => expect(parseRate(text)).toBe(bytes));
});

describe('names', () => {
  it('makes a node name of any host name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100, unit: 'grapheme' }), (host) => {
        expect(checkNodeName(nodeNameOf(host))).toBeUndefined();
      }),
    );
    expect(nodeNameOf('Alpha_01.example.org')).toBe('alpha-01');
  });

  it.each(['Alpha', '-a', 'a-', 'a'.repeat(64), '', 'a b', 'ä'])('refuses node name "%s"', (name) => {
    expect(checkNodeName(name)).toBeDefined();
  });

  it('knows addresses and ids', () => {
    expect(checkMultiaddr('/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWAbc')).toBeUndefined();
    expect(checkMultiaddr('127.0.0.1:4001')).toBeDefined();
    expect(checkMultiaddr('/ip4/127.0.0.1/tcp/65535')).toBeUndefined();
    expect(checkMultiaddr('/ip4/127.0.0.1/tcp/65536')).toMatch(/port/);
    expect(checkAllowed('a'.repeat(64))).toBeUndefined();
    expect(checkAllowed('12D3KooWGatSLjzeYUhsMMpUPsrj3DLKLRLbGzCmmS1Z5bJ1FVRW')).toBeUndefined();
    expect(checkAllowed('somebody')).toBeDefined();
  });
});

describe('suggestions', () => {
  it('finds a near key, by its last part too, and nothing for noise', () => {
    expect(suggestKey('network.prot', ['network.port', 'network.preset', 'node.name'])).toEqual([
      'network.port',
    ]);
    expect(suggestKey('quota', ['storage.quotaBytes', 'node.name'])).toEqual(['storage.quotaBytes']);
    expect(didYouMean('zzzzzz', ['network.port'])).toBe('');
  });
});
