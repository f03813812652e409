import { expect, test } from 'vitest';
import { refusingToFill } from '../../../src/engine/node/drain.ts';
import type { ShardStore } from '../../../src/engine/shardstore/store.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';

test('a node that is being drained takes no shard that it has not got, and gives what it has', async () => {
  const held = new Set(['aa' as ShardId]);
  const store = {
    async put({ id }) {
      if (held.has(id)) return 'already-there';
      held.add(id);
      return 'stored';
    },
    has: (id) => held.has(id),
    get: async (id) => (held.has(id) ? Uint8Array.of(1) : undefined),
  } as Partial<ShardStore> as ShardStore;
  let leaving = true;
  const guarded = refusingToFill(store, { isSet: () => leaving });
  const put = (id: string) =>
    guarded.put({ id: id as ShardId, bytes: Uint8Array.of(1), owner: 'o' as OwnerId });
  await expect(put('bb')).rejects.toMatchObject({ code: 'quota-full' });
  // Said again because its answer was lost: it is there.
  expect(await put('aa')).toBe('already-there');
  expect(await guarded.get('aa' as ShardId)).toEqual(Uint8Array.of(1));
  leaving = false;
  expect(await put('bb')).toBe('stored');
});
