/** Answers → configuration, and back for editing one. Pure: the same answers give the same bytes, whoever asked. */
import { configFromFields, defaultConfig, type FieldValue, valueAt } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import { formatSize, parseRate, parseSize } from '../config/units.ts';
import type { Answers, QuestionContext } from './question.ts';
import { UNLIMITED } from './questions/bandwidth.ts';
import { AUTO_PORT, listOf } from './questions/network.ts';
import { CODE_PRESETS } from './questions/redundancy.ts';

/** Needs valid answers; see `problemsOf`. */
export function configOfAnswers({ value, facts }: QuestionContext): Config {
  const { k, m } = codeOf(value);
  const fields: Record<string, FieldValue> = {
    'node.name': value('name'),
    'node.dataDir': value('data-dir'),
    'node.role': value('role'),
    'network.name': value('network-name'),
    'network.preset': value('network'),
    'network.port': value('listen') === AUTO_PORT ? 0 : Number(value('listen')),
    'network.bootstrap': listOf(value('bootstrap')),
    'network.zone': value('zone'),
    'network.rack': value('rack'),
    'storage.quotaBytes': parseSize(value('quota')) ?? 0,
    'storage.reservePercent': Number(value('reserve')),
    'redundancy.k': k,
    'redundancy.m': m,
    'bandwidth.upBytesPerSecond': rateOf(value('up')),
    'bandwidth.downBytesPerSecond': rateOf(value('down')),
    'access.mode': value('access'),
    'access.allow': value('access') === 'allow-list' ? listOf(value('allow')) : [],
    'access.deny': listOf(value('deny')),
    'console.history': value('history') === 'yes',
  };
  // What no question asks for stays as it is in the configuration being edited.
  const others = facts.existing ?? defaultConfig({ name: value('name'), dataDir: value('data-dir') });
  return configFromFields((key) => fields[key] ?? (valueAt(others, key) as FieldValue));
}

/** Every answer that leads to this configuration. */
export function answersOfConfig(config: Config): Answers {
  const { node, network, storage, redundancy, bandwidth, access, console } = config;
  return {
    name: node.name,
    'data-dir': node.dataDir,
    role: node.role,
    'network-name': network.name,
    network: network.preset,
    listen: network.port === 0 ? AUTO_PORT : String(network.port),
    bootstrap: network.bootstrap.join(','),
    zone: network.zone,
    rack: network.rack,
    quota: formatSize(storage.quotaBytes),
    reserve: String(storage.reservePercent),
    redundancy: presetOf(redundancy),
    k: String(redundancy.k),
    n: String(redundancy.k + redundancy.m),
    up: rateText(bandwidth.upBytesPerSecond),
    down: rateText(bandwidth.downBytesPerSecond),
    access: access.mode,
    allow: access.allow.join(','),
    deny: access.deny.join(','),
    history: console.history ? 'yes' : 'no',
  };
}

function codeOf(value: (id: string) => string): { k: number; m: number } {
  const preset = CODE_PRESETS[value('redundancy')];
  if (preset !== undefined) return preset;
  const k = Number(value('k'));
  return { k, m: Number(value('n')) - k };
}

function presetOf(code: { k: number; m: number }): string {
  const found = Object.entries(CODE_PRESETS).find(([, { k, m }]) => k === code.k && m === code.m);
  return found?.[0] ?? 'custom';
}

function rateOf(text: string): number {
  return text === UNLIMITED ? 0 : (parseRate(text) ?? 0);
}

function rateText(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? UNLIMITED : `${formatSize(bytesPerSecond)}/s`;
}
