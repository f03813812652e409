/** One page over HTTP on 127.0.0.1, for programs of this machine that know nothing else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DatameshError } from '../../errors.ts';

export interface LoopbackPage {
  path: string;
  type: string;
  text(): Promise<string>;
}

export interface LoopbackServer {
  port: number;
  close(): Promise<void>;
}

/** Scrapers keep one connection each. */
const MAX_CONNECTIONS = 16;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 8 * 1024;
/** A page of the web could make a browser on this machine ask us by a name of its own that leads to 127.0.0.1; it cannot change what Host says. */
const OWN_HOSTS = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/** Throws `port-in-use`. */
export async function serveLoopback(port: number, page: LoopbackPage): Promise<LoopbackServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
    },
    (request, response) => void answer(request, response, page),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, page: LoopbackPage): Promise<void> {
  const end = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  // What a request carries is of no interest.
  request.resume();
  if (!OWN_HOSTS.test(request.headers.host ?? '')) return end(403, 'ask for 127.0.0.1\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'only GET and HEAD\n');
  if (request.url?.split('?')[0] !== page.path) return end(404, `there is only ${page.path}\n`);
  try {
    end(200, await page.text(), page.type);
  } catch {
    end(500, 'failed\n');
  }
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return error;
  return new DatameshError('port-in-use', {
    what: `port ${port} of 127.0.0.1 cannot be used: ${error.code}`,
    mend: 'choose another one: datamesh config set metrics.port PORT',
    cause: error,
  });
}
