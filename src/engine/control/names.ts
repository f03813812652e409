/** Names over the control API: the service's answers, and the calls of its clients. */
import type { FastifyInstance } from 'fastify';
import type { NameCalls } from '../views/names.ts';
import type { QuotaCalls } from '../views/quotas.ts';
import type { SearchCalls } from '../views/search.ts';
import type { ShareCalls } from '../views/shares.ts';
import { readRef } from './wire.ts';
import {
  NAME_ROUTE,
  readDuplicateRequest,
  readPopularQuery,
  readQuotaRequest,
  readRenameRequest,
  readSearchQuery,
  readShareRequest,
  readTagRequest,
  readVersionsRequest,
} from './wire-names.ts';

export function serveNames(
  app: FastifyInstance,
  engine: SearchCalls & { names: NameCalls; shares: ShareCalls; quotas: QuotaCalls },
): void {
  const { names, shares } = engine;
  const answer = (path: string, call: (body: unknown) => Promise<unknown>) =>
    app.post(path, (request) => call(request.body));
  answer(NAME_ROUTE.versions, (body) => {
    const { ref, ...query } = readVersionsRequest(body);
    return names.versions(ref, query);
  });
  answer(NAME_ROUTE.hide, (body) => names.hide(readRef(body).ref));
  answer(NAME_ROUTE.undelete, (body) => names.undelete(readRef(body).ref));
  answer(NAME_ROUTE.rename, (body) => {
    const { from, to } = readRenameRequest(body);
    return names.rename(from, to);
  });
  answer(NAME_ROUTE.duplicate, (body) => {
    const { ref, to, ...options } = readDuplicateRequest(body);
    return names.duplicate(ref, to, options);
  });
  answer(NAME_ROUTE.tag, (body) => {
    const { ref, ...change } = readTagRequest(body);
    return names.tag(ref, change);
  });
  app.get(NAME_ROUTE.quotaList, () => engine.quotas.list());
  answer(NAME_ROUTE.quotaSet, (body) => {
    const { owner, limitBytes } = readQuotaRequest(body);
    return engine.quotas.set(owner, limitBytes);
  });
  // A bare text would be sent as it is, and not as JSON.
  app.get(NAME_ROUTE.shareKey, async () => ({ key: await shares.key() }));
  app.get(NAME_ROUTE.shareList, () => shares.list());
  answer(NAME_ROUTE.share, (body) => {
    const { ref, ...options } = readShareRequest(body);
    return shares.share(ref, options);
  });
  answer(NAME_ROUTE.search, (body) => engine.search(readSearchQuery(body)));
  answer(NAME_ROUTE.popular, (body) => engine.popular(readPopularQuery(body)));
}

/** @param send one JSON request and its answer */
export function remoteNames(send: (path: string, body: unknown) => Promise<unknown>): NameCalls {
  // What comes back is what the service's own engine gave.
  const call = <T>(path: string, body: unknown) => send(path, body) as Promise<T>;
  return {
    versions: (ref, query) => call(NAME_ROUTE.versions, { ref, ...query }),
    hide: (ref) => call(NAME_ROUTE.hide, { ref }),
    undelete: (ref) => call(NAME_ROUTE.undelete, { ref }),
    rename: (from, to) => call(NAME_ROUTE.rename, { from, to }),
    duplicate: (ref, to, options) => call(NAME_ROUTE.duplicate, { ref, to, ...options }),
    tag: (ref, change) => call(NAME_ROUTE.tag, { ref, ...change }),
  };
}
