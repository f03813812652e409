/** Checks of the node's doors: who runs on the data folder, the port, the bootstrap peers. */

import { connect, createServer } from 'node:net';
import { MAX_PORT, namesNobody } from '../../../config/checks.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { examineSqlite } from '../../../engine/effects/sqlite-file.ts';
import { NETWORK_PRESETS } from '../../../engine/mesh/presets.ts';
import { dataPaths } from '../../../engine/options.ts';
import { asDatameshError } from '../../../errors.ts';
import { findService } from '../../node/service-process.ts';
import { serviceWords } from '../../node/service-words.ts';
import type { Check, Finding } from './finding.ts';

const DIAL_TIMEOUT_MS = 3000;

export const checkService: Check = async (patient) => {
  const { config } = patient;
  if (config === undefined) return [];
  const found = await findService(config.node.dataDir);
  if (found.state === 'running') {
    const { pid, peersConnected, version } = found.status;
    return {
      check: 'service',
      state: 'ok',
      detail: `runs as process ${pid}, version ${version}, ${peersConnected} peers connected`,
    };
  }
  if (found.state === 'stopped') {
    return (
      (await guardFinding(config.node.dataDir)) ?? {
        check: 'service',
        state: 'ok',
        detail: 'not running; the data folder is free',
      }
    );
  }
  const who = found.pid === undefined ? 'another process' : `process ${found.pid}`;
  return {
    check: 'service',
    state: found.stuck ? 'fail' : 'warn',
    detail: `${who} uses the data folder and does not answer${found.stuck ? ' on its socket' : ': a console or another command'}`,
    mend: found.stuck
      ? (await serviceWords(config.node.dataDir, patient.context.env)).stop
      : 'nothing to do while that is your own console',
  };
};

/** Without LOCK.guard, which datamesh leaves empty, no start gets the lock. */
async function guardFinding(dataDir: string): Promise<Finding | undefined> {
  const guard = `${dataPaths(dataDir).lock}.guard`;
  if ((await realDisk().stat(guard)) === undefined) return undefined;
  try {
    examineSqlite(guard, Number.POSITIVE_INFINITY, () => {});
    return undefined;
  } catch (thrown) {
    return {
      check: 'service',
      state: 'fail',
      detail: `not running, and cannot be: ${asDatameshError(thrown).message}`,
      mend: `make sure that no datamesh runs on this folder, then remove it: rm -r '${guard}'`,
    };
  }
}

/** Binds the port for a moment, unless the running node has it. */
export const checkPort: Check = async ({ config }) => {
  if (config === undefined) return [];
  const { port, preset } = config.network;
  if (port === 0) return { check: 'port', state: 'ok', detail: 'any free one' };
  const host = NETWORK_PRESETS[preset].listenHost;
  const failure = await bindFailure(port, host);
  if (failure === undefined) return { check: 'port', state: 'ok', detail: `${port} on ${host} is free` };
  if (failure === 'EADDRINUSE') {
    const found = await findService(config.node.dataDir);
    const own =
      found.state === 'running' && found.status.addresses.some((it) => it.includes(`/tcp/${port}/`));
    if (own) return { check: 'port', state: 'ok', detail: `${port} on ${host}, used by the service` };
    if (found.state === 'busy') {
      return {
        check: 'port',
        state: 'warn',
        detail: `${port} on ${host} is in use, most likely by the process that uses the data folder`,
        mend: 'see the line on the service first',
      };
    }
  }
  return {
    check: 'port',
    state: 'fail',
    detail: `${port} on ${host} cannot be used: ${failure === 'EADDRINUSE' ? 'another program listens on it' : failure}`,
    mend: 'end that program (see: ss -ltnp), or choose another port: datamesh config set network.port 0',
  };
};

/** Large transfers come in at the port after network.port; where that is taken the node listens at any other, which no firewall was told of. */
export const checkBulkPort: Check = async (patient) => {
  const { config } = patient;
  if (config === undefined || config.network.port === 0) return [];
  const port = config.network.port + 1;
  const check = 'bulk port';
  if (port > MAX_PORT)
    return {
      check,
      state: 'warn',
      detail: `there is none after ${MAX_PORT}: large transfers come in at any free port`,
      mend: 'choose a lower port: datamesh config set network.port PORT',
    };
  const host = NETWORK_PRESETS[config.network.preset].listenHost;
  const failure = await bindFailure(port, host);
  const found = await findService(config.node.dataDir);
  if (failure === undefined && found.state !== 'running')
    return { check, state: 'ok', detail: `${port} on ${host} is free` };
  if (found.state === 'running' && (failure === undefined || failure === 'EADDRINUSE'))
    return bulkPortFinding(port, failure === undefined, found.status.bulkPort, {
      host,
      restart: (await serviceWords(config.node.dataDir, patient.context.env)).restart,
    });
  if (failure === 'EADDRINUSE' && found.state === 'busy')
    return {
      check,
      state: 'warn',
      detail: `${port} on ${host} is in use, most likely by the process that uses the data folder`,
      mend: 'see the line on the service first',
    };
  return {
    check,
    state: 'warn',
    detail: `${port} on ${host} cannot be used: ${failure === 'EADDRINUSE' ? 'another program listens on it, and large transfers will come in at any free port' : failure}`,
    mend: 'end that program (see: ss -ltnp), or choose another port: datamesh config set network.port PORT',
  };
};

/** @param used what the running service says; undefined of one of an earlier version */
export function bulkPortFinding(
  port: number,
  free: boolean,
  used: number | undefined,
  { host, restart }: { host: string; restart: string },
): Finding {
  const check = 'bulk port';
  if (!free && used === port)
    return { check, state: 'ok', detail: `${port} on ${host}, used by the service` };
  if (!free && used === undefined)
    return { check, state: 'ok', detail: `${port} on ${host} is in use while the node runs` };
  const elsewhere =
    used === undefined ? 'any other port' : `port ${used}, which a firewall may not let through`;
  return {
    check,
    state: 'warn',
    detail: free
      ? `nothing listens on ${port} of ${host}: another program had it when the service was started, and large transfers come in at ${elsewhere}`
      : `another program listens on ${port} of ${host}: large transfers come in at ${elsewhere}`,
    mend: free ? restart : `end that program (see: ss -ltnp), then ${restart}`,
  };
}

/** Taken by the service itself is right; by anybody else, be it another datamesh node, costs the figures. */
export const checkMetricsPort: Check = async (patient) => {
  const { config } = patient;
  if (config === undefined || config.metrics.port === 0) return [];
  const { port } = config.metrics;
  const failure = await bindFailure(port, '127.0.0.1');
  const service = await findService(config.node.dataDir);
  const peerId = service.state === 'running' ? service.status.peerId : undefined;
  if (failure === undefined && peerId === undefined)
    return { check: 'metrics port', state: 'ok', detail: `${port} is free` };
  if (failure === undefined) {
    return {
      check: 'metrics port',
      state: 'warn',
      detail: `nothing listens on ${port}: the service was started before this was set, or another program had the port then`,
      mend: (await serviceWords(config.node.dataDir, patient.context.env)).restart,
    };
  }
  if (failure === 'EADDRINUSE' && peerId !== undefined && (await givesMetricsOf(port, peerId)))
    return { check: 'metrics port', state: 'ok', detail: `http://127.0.0.1:${port}/metrics answers` };
  return {
    check: 'metrics port',
    state: 'warn',
    detail: `${port} of 127.0.0.1 cannot be used: ${failure === 'EADDRINUSE' ? 'another program, or another node, listens on it' : failure}`,
    mend: `datamesh config set metrics.port PORT with another one, then ${(await serviceWords(config.node.dataDir, patient.context.env)).restart}`,
  };
};

async function givesMetricsOf(port: number, peerId: string): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/metrics`;
  const response = await fetch(url, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) }).catch(() => undefined);
  const text = (await response?.text().catch(() => '')) ?? '';
  return text.split('\n').some((line) => line.startsWith('datamesh_node_info{') && line.includes(peerId));
}

function bindFailure(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

export const checkBootstrap: Check = async ({ config, context }) => {
  if (config === undefined) return [];
  const { bootstrap } = config.network;
  if (bootstrap.length === 0) {
    const meeting = config.node.role === 'bootstrap';
    return {
      check: 'bootstrap',
      state: meeting ? 'ok' : 'warn',
      detail: `none configured${meeting ? ': others dial this node' : '; the node finds nobody by itself'}`,
      ...(meeting
        ? {}
        : { mend: 'datamesh config set network.bootstrap ADDRESS, or datamesh bootstrap ADDRESS' }),
    };
  }
  const dialled = await Promise.all(bootstrap.map((address) => dial(address, context.signal)));
  const anyone = dialled.some((it) => it.failure === undefined);
  return dialled.map(({ address, failure, ms }): Finding => {
    if (failure === undefined) {
      return { check: 'bootstrap', state: 'ok', detail: `${address} answers after ${Math.round(ms)} ms` };
    }
    return {
      check: 'bootstrap',
      state: anyone ? 'warn' : 'fail',
      detail: `${address}: ${failure}`,
      mend: 'start that node, open its port in the firewall, or correct network.bootstrap: datamesh config edit',
    };
  });
};

interface Dialled {
  address: string;
  failure: string | undefined;
  ms: number;
}

/** A TCP connection and no more: whether the right peer is behind it is the node's own business. */
function dial(address: string, signal: AbortSignal): Promise<Dialled> {
  const match = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)(?:[/?]|$)/.exec(address);
  if (!match) return Promise.resolve({ address, failure: 'no address that TCP can dial', ms: 0 });
  if (namesNobody(address))
    return Promise.resolve({ address, failure: 'the peer id in it is mistyped', ms: 0 });
  const startMs = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: match[1]!, port: Number(match[2]), signal });
    const done = (failure: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ address, failure, ms: performance.now() - startMs });
    };
    const timer = setTimeout(() => done(`no answer within ${DIAL_TIMEOUT_MS / 1000} s`), DIAL_TIMEOUT_MS);
    socket.once('connect', () => done(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ECONNREFUSED' ? 'nothing listens there' : (error.code ?? error.message)),
    );
  });
}
