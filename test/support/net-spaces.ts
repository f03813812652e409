/**
 * Hosts of a test, each in a network namespace of its own, joined by veth pairs to a hub that routes between them. The hub can be told to drop what
 * one host sends another, without a word to either: a partition as the network makes it. Needs root; `spacesMissing` says why there are none.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';

export interface NetSpaces {
  /** Address of host `i`, from 0. */
  addressOf(host: number): string;
  /** Starts a process on host `i`. */
  run(host: number, argv: readonly string[], options: Parameters<typeof spawn>[2]): ChildProcess;
  /** Starts a process in the hub. */
  runInHub(argv: readonly string[], options: Parameters<typeof spawn>[2]): ChildProcess;
  /** What `from` sends `to` is dropped in silence, until `healAll`. */
  cut(from: number, to: number): void;
  healAll(): void;
  /** From now on the hub takes connections between hosts itself, for a relay in it, and reaches host `i` at `behindRelay(i)`. */
  interpose(): void;
  behindRelay(host: number): string;
  close(): void;
}

/** Of iproute2. */
const IP = 'ip';
const ip = (...argv: string[]) => execFileSync(IP, argv, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Why this machine has no network namespaces for us; undefined when it has. */
export function spacesMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `dmprobe${process.pid}`;
  try {
    ip('netns', 'add', name);
  } catch (error) {
    return `no network namespace can be made: ${(error as Error).message.trim()}`;
  }
  try {
    ip('-n', name, 'link', 'add', 'dmp0', 'type', 'veth', 'peer', 'name', 'dmp1');
    ip('-n', name, 'rule', 'add', 'from', '10.77.0.2', 'to', '10.77.1.2', 'blackhole');
    return undefined;
  } catch (error) {
    return `no veth pairs or policy routes: ${(error as Error).message.trim()}`;
  } finally {
    ip('netns', 'del', name);
  }
}

export function openSpaces(count: number): NetSpaces {
  const hub = `dmhub${process.pid}`;
  const spaceOf = (host: number) => `dm${process.pid}n${host}`;
  const addressOf = (host: number) => `10.77.${host}.2`;
  const behindRelay = (host: number) => `10.78.${host}.2`;
  const made: string[] = [];
  let cuts: string[][] = [];
  const add = (name: string) => {
    ip('netns', 'add', name);
    made.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  };
  const close = () => {
    for (const name of made.splice(0).reverse()) ip('netns', 'del', name);
  };
  try {
    add(hub);
    ip('netns', 'exec', hub, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0');
    for (let host = 0; host < count; host++) {
      const space = spaceOf(host);
      add(space);
      const there = `dmv${host}`;
      ip('-n', hub, 'link', 'add', there, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
      ip('-n', hub, 'addr', 'add', `10.77.${host}.1/24`, 'dev', there);
      ip('-n', hub, 'link', 'set', there, 'up');
      ip('-n', space, 'addr', 'add', `${addressOf(host)}/24`, 'dev', 'eth0');
      ip('-n', space, 'link', 'set', 'eth0', 'up');
      ip('-n', space, 'route', 'add', 'default', 'via', `10.77.${host}.1`);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    addressOf,
    behindRelay,
    run: (host, argv, options) => spawn(IP, ['netns', 'exec', spaceOf(host), ...argv], options),
    runInHub: (argv, options) => spawn(IP, ['netns', 'exec', hub, ...argv], options),
    cut(from, to) {
      const rule = ['from', addressOf(from), 'to', addressOf(to), 'blackhole'];
      ip('-n', hub, 'rule', 'add', ...rule);
      cuts.push(rule);
    },
    healAll() {
      for (const rule of cuts) ip('-n', hub, 'rule', 'del', ...rule);
      cuts = [];
    },
    interpose() {
      for (let host = 0; host < count; host++) {
        const space = spaceOf(host);
        const way = `dmv${host}`;
        ip('-n', space, 'addr', 'flush', 'dev', 'eth0');
        ip('-n', space, 'addr', 'add', `${behindRelay(host)}/24`, 'dev', 'eth0');
        ip('-n', space, 'addr', 'add', `${addressOf(host)}/32`, 'dev', 'lo');
        ip('-n', space, 'route', 'add', 'default', 'via', `10.78.${host}.1`);
        ip('-n', hub, 'addr', 'flush', 'dev', way);
        ip('-n', hub, 'addr', 'add', `10.78.${host}.1/24`, 'dev', way);
        // To the others the hub is that host; what they send to the address behind it comes back as refused.
        ip('-n', hub, 'addr', 'add', `${addressOf(host)}/32`, 'dev', 'lo');
        ip('-n', hub, 'rule', 'add', 'iif', way, 'to', '10.78.0.0/16', 'prohibit');
      }
    },
    close,
  };
}
