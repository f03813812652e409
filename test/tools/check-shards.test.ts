import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { shardIdOfBytes } from '../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../src/engine/codec/manifest.ts';
import { openCustody } from '../../src/engine/maintenance/custody/sqlite-custody.ts';
import type { ObjectId } from '../../src/engine/types.ts';
import { inlineInput, inputOf } from '../engine/codec/manifest-samples.ts';
import { keepOf } from '../engine/maintenance/custody/samples.ts';

test('the checker of disks takes a manifest that only a custodian has for no loss, and for no copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dm-checker-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const inputs = [inlineInput(Buffer.from('a')), inlineInput(Buffer.from('b')), inputOf(40_000)];
  const objects = inputs.map((input) => {
    const manifest = encodeManifest(input);
    return { manifest, objectId: shardIdOfBytes(manifest) as string as ObjectId };
  });
  const list = join(folder, 'objects.json');
  writeFileSync(list, objects.map(({ objectId }) => JSON.stringify({ objectId })).join('\n'));
  const check = () =>
    JSON.parse(
      execFileSync(process.execPath, ['tools/check-shards.mjs', '--objects', list, folder], {
        encoding: 'utf8',
      }),
    );
  expect(check()).toMatchObject({ objects: 3, lost: 3, critical: 0 });
  const custody = openCustody(join(folder, 'custody.sqlite'));
  custody.keep(objects.slice(1).map(({ manifest, objectId }) => keepOf({ objectId }, { manifest })));
  custody.close();
  // The last has a stripe, of which no shard is here.
  expect(check()).toMatchObject({ objects: 3, lost: 2, critical: 1, shardsLive: 0, stripesLost: 1 });
});
