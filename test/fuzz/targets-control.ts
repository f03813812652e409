/** What comes over the control socket, and the configuration file: JSON and frames that any program of the user may have written. */

import { defaultConfig } from '../../src/config/fields.ts';
import { fileProblems, needKnownVersion } from '../../src/config/validate.ts';
import { readBodyHead, readFrames, readLines } from '../../src/engine/control/frames.ts';
import {
  readAddress,
  readCleanupQuery,
  readDeleteRequest,
  readDiscoverRequest,
  readDrainQuery,
  readEventQuery,
  readGetRequest,
  readHealthRequest,
  readInfoRequest,
  readJobId,
  readListQuery,
  readPutOptions,
  readRebalanceQuery,
  readRecoverQuery,
  readRef,
  readRepairQuery,
  readSpeedRequest,
  readVerifyQuery,
  readWhatifQuery,
} from '../../src/engine/control/wire.ts';
import {
  readBackupQuery,
  readForgetQuery,
  readPruneQuery,
  readRestoreQuery,
  readShowQuery,
  readSnapshotQuery,
} from '../../src/engine/control/wire-backups.ts';
import {
  readDuplicateRequest,
  readPopularQuery,
  readQuotaRequest,
  readRenameRequest,
  readRevokeRequest,
  readSearchQuery,
  readShareLink,
  readShareRequest,
  readTagRequest,
  readVersionsRequest,
} from '../../src/engine/control/wire-names.ts';
import { readDistributionQuery, readPoolName, readPoolRequest } from '../../src/engine/control/wire-pools.ts';
import { DatameshError } from '../../src/errors.ts';
import type { Target } from './targets.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const framed = (kind: number, bytes: Uint8Array) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const cut = bytes.length >> 1;
  yield bytes.subarray(0, cut);
  yield bytes.subarray(cut);
}

const READERS = [
  ...[readPutOptions, readGetRequest, readListQuery, readInfoRequest, readHealthRequest, readVerifyQuery],
  ...[readRepairQuery, readCleanupQuery, readRebalanceQuery, readDrainQuery, readRef, readJobId],
  ...[readDeleteRequest, readAddress, readDiscoverRequest, readSpeedRequest, readRecoverQuery],
  ...[readWhatifQuery, readEventQuery],
  ...[readVersionsRequest, readRenameRequest, readDuplicateRequest, readTagRequest, readSearchQuery],
  ...[readPopularQuery, readShareRequest, readRevokeRequest, readShareLink, readQuotaRequest],
  ...[readPoolRequest, readPoolName, readDistributionQuery],
  ...[readBackupQuery, readSnapshotQuery, readShowQuery, readRestoreQuery, readForgetQuery, readPruneQuery],
] as readonly ((value: unknown) => unknown)[];

const config = defaultConfig({ name: 'alder', dataDir: '/d' });

export const controlTargets: Target[] = [
  {
    name: 'control request',
    corpus: [
      json({ name: 'x', sizeBytes: 5, tags: ['t'], mimeType: 'a/b', code: { k: 2, m: 1 }, pool: 'p' }),
      json({ prefix: 'x', sort: 'size', limit: 5, cursor: 'c' }),
      json({ ref: 'x', version: 2, offset: 1, length: 2 }),
      json({
        name: 'p',
        settings: { code: { k: 2, m: 1 }, domain: 'node', nodes: 'all', folders: [{ path: '/d' }] },
      }),
      json({ pool: 'p', tolerance: 0.1, apply: true }),
      json({ lose: ['node-1'], afterSeq: 5 }),
      json({ source: '/d', tags: [], excludes: [], id: 'latest', target: '/e' }),
    ],
    run: (input) => {
      let value: unknown;
      try {
        value = JSON.parse(Buffer.from(input).toString('utf8'));
      } catch {
        throw refused(); // Fastify answers this itself
      }
      let read = 0;
      for (const reader of READERS) {
        try {
          reader(value);
          read++;
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'bad-value') throw error;
        }
      }
      if (read === 0) throw refused();
    },
    refusals: /^bad-value$/,
  },
  {
    name: 'control streams',
    corpus: [
      Buffer.concat([
        framed(0, json({ name: 'x' })),
        framed(1, Buffer.from('data')),
        framed(2, new Uint8Array(0)),
      ]),
      Buffer.concat([Buffer.from([0, 0, 0, 12]), json({ name: 'xy' }), Buffer.from('content')]),
      Buffer.from('{"progress":{"doneBytes":1}}\n\n{"result":5}\n'),
    ],
    run: async (input) => {
      const each = await Promise.allSettled([
        (async () => {
          const { rest } = await readBodyHead(pieces(input));
          for await (const _ of rest);
        })(),
        (async () => {
          for await (const _ of readFrames(pieces(input)));
        })(),
        (async () => {
          for await (const _ of readLines(pieces(input)));
        })(),
      ]);
      const failed = each.flatMap((it) =>
        it.status === 'rejected' ? [it.reason as { code?: unknown }] : [],
      );
      for (const reason of failed)
        if (!/^(bad-value|service-not-running)$/.test(String(reason.code))) throw reason;
      if (failed.length === each.length) throw refused();
    },
    refusals: /^bad-value$/,
  },
  {
    name: 'configuration',
    corpus: [json(config), json({ version: 1, storage: { quotaBytes: '5 GiB' } })],
    run: (input) => {
      let value: unknown;
      try {
        value = JSON.parse(Buffer.from(input).toString('utf8'));
      } catch {
        throw refused();
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused();
      const file = value as Record<string, unknown>;
      needKnownVersion(file, 'x');
      if (fileProblems(file).length > 0) throw refused();
    },
    refusals: /^(bad-value|format-too-new)$/,
  },
];

function refused(): DatameshError {
  return new DatameshError('bad-value', { what: 'nothing was read' });
}
