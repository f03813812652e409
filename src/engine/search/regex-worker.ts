/** A thread that tries regular expressions on texts; whoever asked ends it when that takes too long (regex-filter.ts). */
import { parentPort } from 'node:worker_threads';
import type { RegexAnswer, RegexOrder } from './regex-filter.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');

const say = (answer: RegexAnswer) => port.postMessage(answer);

port.on('message', ({ pattern, texts }: RegexOrder) => {
  const expression = new RegExp(pattern, 'u');
  say(texts.map((text) => expression.test(text)));
});
say('ready');
