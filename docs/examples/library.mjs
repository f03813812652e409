// A node in your own program: put a file, read it back.
//   node library.mjs FOLDER       (an empty or new folder, absolute)
import { Readable } from 'node:stream';
import { DatameshError, openEngine } from 'datamesh';

const say = (line) => process.stdout.write(`${line}\n`);

const engine = await openEngine({
  dataDir: process.argv[2],
  code: { k: 1, m: 0 }, // one node alone: no redundancy, and the receipt says so
  storage: { quotaBytes: 64 * 2 ** 20 },
  onNewOwner: (words) => say(`write these ${words.split(' ').length} words down`),
});
try {
  const content = Buffer.from('hello, mesh\n');
  const receipt = await engine.put(Readable.from([content]), { name: 'greeting', sizeBytes: content.length });
  say(`stored ${receipt.object.objectId}, spare ${receipt.spare}`);
  for await (const piece of (await engine.get('greeting')).body) process.stdout.write(piece);
  await engine.get('nothing');
} catch (error) {
  if (!(error instanceof DatameshError)) throw error;
  say(`${error.id} (${error.code}): ${error.message}`);
} finally {
  await engine.close();
}
