/** Lines that take a change of names back. */
import { quoteWord } from '../../lang/argv.ts';
import type { OutputRecord } from '../command.ts';

/** A name that was new means nothing again; one that meant something means the version before. */
export function undoNewVersion([record]: readonly OutputRecord[]): string | undefined {
  if (record === undefined) return undefined;
  const name = quoteWord(String(record.name));
  const before = record.replacedVersion;
  return typeof before === 'number'
    ? `duplicate --version ${before} -- ${name} ${name}`
    : `delete --yes -- ${name}`;
}

export function onNames(command: string, records: readonly OutputRecord[]): string | undefined {
  if (records.length === 0) return undefined;
  return [command, '--', ...records.map(({ name }) => quoteWord(String(name)))].join(' ');
}
