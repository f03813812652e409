/** Links: what one says comes back, nothing else is read as one, and a sealed one opens for its reader alone, with its terms as they were. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import {
  openLink,
  readLink,
  readSharingKey,
  sharingKeyOf,
  writeLink,
} from '../../../src/engine/sharing/link.ts';
import { objectId, owner, stranger } from '../maintenance/custody/samples.ts';

const random = realRandom();
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const terms = fc.record({
  untilMs: fc.option(fc.nat({ max: 2 ** 44 }), { nil: undefined }),
  readOnce: fc.boolean(),
});
const thrown = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    return error as { code: string; message: string; toRecord(): unknown };
  }
  throw new Error('nothing was thrown');
};

describe('a link', () => {
  it('gives object, key and terms back', () => {
    fc.assert(
      fc.property(key, terms, fc.nat(), (fileKey, given, n) => {
        const link = writeLink(objectId(n), fileKey, given, undefined, random);
        expect(link.slice(0, link.indexOf('#'))).toBe(`datamesh://${objectId(n)}`);
        expect(readLink(` ${link}\n`)).toEqual({ objectId: objectId(n), ...given, secret: { fileKey } });
        expect(openLink(readLink(link), stranger)).toEqual(fileKey);
      }),
    );
  });

  it('whose end it could not tell is not made', () => {
    for (const untilMs of [1e15, Number.NaN])
      expect(() =>
        writeLink(objectId(1), new Uint8Array(32), { untilMs, readOnce: false }, undefined, random),
      ).toThrow(expect.objectContaining({ code: 'bad-value' }));
  });

  it('sealed to a reader opens for him alone, and not with other terms', () => {
    fc.assert(
      fc.property(key, terms, (fileKey, given) => {
        const link = writeLink(objectId(1), fileKey, given, owner.encryptionPublicKey, random);
        const read = readLink(link);
        expect(read).toMatchObject({ objectId: objectId(1), ...given });
        expect(openLink(read, owner)).toEqual(fileKey);
        expect(thrown(() => openLink(read, stranger)).code).toBe('denied');
        for (const other of [
          { readOnce: !given.readOnce },
          { untilMs: (given.untilMs ?? 0) + 1 },
          { objectId: objectId(2) },
        ])
          expect(thrown(() => openLink({ ...read, ...other }, owner)).code).toBe('denied');
      }),
      { numRuns: 30 },
    );
  });

  it('that is none is refused, and no error tells of its secret', () => {
    const link = writeLink(
      objectId(1),
      new Uint8Array(32).fill(7),
      { untilMs: 5, readOnce: true },
      undefined,
      random,
    );
    const secret = link.slice(link.indexOf('k=') + 2, link.indexOf('&'));
    for (const bad of [
      '',
      'datamesh://',
      link.replace('datamesh://', 'http://'),
      link.replace('#', '?'),
      link.slice(0, 90),
      link.replace(secret, `${secret}A`),
      `${link}&k=${secret}`,
      `${link}&x=1`,
      link.replace('until=5', 'until=-5'),
      link.replace(`k=${secret}`, 'k='),
      link.replace(objectId(1), objectId(1).toUpperCase().replace('0', 'X')),
      `${link}${'&'.repeat(2_000)}`,
    ]) {
      const error = thrown(() => readLink(bad));
      expect(error.code, bad).toBe('bad-value');
      expect(JSON.stringify(error.toRecord())).not.toContain(secret.slice(0, 12));
    }
  });
});

it('a link that was cut off, added to or mistyped is told apart', () => {
  const link = writeLink(
    objectId(1),
    new Uint8Array(32).fill(8),
    { untilMs: undefined, readOnce: false },
    undefined,
    random,
  );
  const other = String.fromCharCode(link.charCodeAt(link.length - 1) + 1);
  for (const [bad, why] of [
    [link.slice(0, -1), 'its secret is too short: it was cut off'],
    [`${link}A`, 'its secret is too long: something was added to it'],
    [link.slice(0, -1) + other, 'its secret is mistyped'],
    [`${link.slice(0, -3)}!${link.slice(-2)}`, 'its secret is mistyped'],
  ] as const)
    expect(
      thrown(() => readLink(bad)),
      bad,
    ).toMatchObject({ code: 'bad-value', why });
});

it('a sharing key that was mistyped is noticed', () => {
  const text = sharingKeyOf(owner.encryptionPublicKey);
  expect(readSharingKey(` ${text} `)).toEqual(owner.encryptionPublicKey);
  for (let at = 4; at < text.length; at += 7) {
    const other = text[at] === '0' ? '1' : '0';
    expect(thrown(() => readSharingKey(text.slice(0, at) + other + text.slice(at + 1))).code).toBe(
      'bad-value',
    );
  }
  for (const bad of ['', 'dmk-', text.slice(4), `${text}0`])
    expect(thrown(() => readSharingKey(bad)).code).toBe('bad-value');
});
