import type { ObjectId } from '../types.ts';
import type { ObjectRouting } from './dht.ts';

/** Announcements under way and waiting; a peer that asks for more is answered, and not served. */
const MAX_ANNOUNCEMENTS = 1000;
const PARALLEL_ANNOUNCEMENTS = 4;

/** Publishes provider records in the background, a few at a time. */
export function announcer(routing: ObjectRouting): (id: ObjectId) => void {
  const waiting: ObjectId[] = [];
  let running = 0;
  const next = () => {
    while (running < PARALLEL_ANNOUNCEMENTS && waiting.length > 0) {
      running++;
      void routing.provide(waiting.shift()!).finally(() => {
        running--;
        next();
      });
    }
  };
  return (id) => {
    if (waiting.length >= MAX_ANNOUNCEMENTS) return;
    waiting.push(id);
    next();
  };
}
