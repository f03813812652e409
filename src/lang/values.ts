/** One typed word: text to the value its ValueType asks for, or what is wrong with it and what to write instead. */
import type { ValueType } from '../commands/command.ts';
import { suggest } from '../config/suggest.ts';
import { parseSize } from '../config/units.ts';
import { parseCode, parseDuration } from './units.ts';

export type ParsedValue =
  | { ok: true; value: unknown }
  | { ok: false; message: string; mend: string; suggestions: string[] };

const bad = (message: string, mend: string, suggestions: string[] = []): ParsedValue => ({
  ok: false,
  message,
  mend,
  suggestions,
});

/** `what` names the argument or option in the message. Checks the form only; nothing is looked up. */
export function parseValue(text: string, type: ValueType, what: string): ParsedValue {
  switch (type.kind) {
    case 'integer': {
      const value = Number(text);
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
        return bad(`'${text}' is no whole number for ${what}`, 'write digits only, such as 7');
      }
      if (type.min !== undefined && value < type.min)
        return bad(`${what} is at least ${type.min}, not ${text}`, 'give a larger number');
      if (type.max !== undefined && value > type.max)
        return bad(`${what} is at most ${type.max}, not ${text}`, 'give a smaller number');
      return { ok: true, value };
    }
    case 'size': {
      const value = parseSize(text);
      return value === undefined
        ? bad(`'${text}' is no size for ${what}`, 'write a number and a unit, such as 10GiB, 500MB or 4096')
        : { ok: true, value };
    }
    case 'duration': {
      const value = parseDuration(text);
      return value === undefined
        ? bad(
            `'${text}' is no duration for ${what}`,
            'write a number and a unit, such as 300ms, 10s, 5m or 1h30m',
          )
        : { ok: true, value };
    }
    case 'code': {
      const value = parseCode(text);
      return value === undefined
        ? bad(
            `'${text}' is no code for ${what}`,
            'write data+parity shards, such as 4+2; together at most 255',
          )
        : { ok: true, value };
    }
    case 'enum': {
      if (type.values.includes(text)) return { ok: true, value: text };
      const begun = type.values.filter((value) => text !== '' && value.startsWith(text.toLowerCase()));
      return bad(
        `'${text}' is not a choice for ${what}`,
        `choose one of ${type.values.join(', ')}`,
        begun.length > 0 ? begun.slice(0, 3) : suggest(text, type.values),
      );
    }
    case 'multiaddr':
      return text.startsWith('/') && text.length > 1
        ? { ok: true, value: text }
        : bad(
            `'${text}' is no address for ${what}`,
            'write a multiaddr, such as /ip4/192.168.1.7/tcp/40871/p2p/12D3Koo…',
          );
    case 'path':
      if (text === '') return bad(`${what} is empty`, 'give a path');
      if (text.includes('\0')) return bad(`${what} holds a NUL character`, 'no path on this machine can');
      return { ok: true, value: text };
    case 'peer':
    case 'place':
    case 'config-key':
    case 'key-name':
    case 'object':
      return text === '' ? bad(`${what} is empty`, 'give a name or an id') : { ok: true, value: text };
    case 'command':
    case 'string':
      return { ok: true, value: text };
  }
}
