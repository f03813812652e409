import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import { VERSION_INFO_FIELDS } from './fields.ts';

export const versionCommand: Command = {
  path: ['version'],
  group: 'start',
  summary: 'Show the version of datamesh and of what it runs on',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh version', note: 'version, runtime and platform' },
    { line: 'datamesh --version', note: 'the number alone' },
    { line: 'datamesh version --json', note: 'for a script' },
  ],
  effects: 'reads',
  fields: VERSION_INFO_FIELDS,
  needs: 'nothing',
  shape: 'single',
  columns: [
    { key: 'version', title: 'datamesh' },
    { key: 'node', title: 'node' },
    { key: 'platform', title: 'platform' },
  ],
  async run({ out }) {
    out.record({
      version: VERSION,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    });
  },
};
