/** Starts the console as `datamesh` does, from the sources: wizard if nothing is configured, a real node behind it. */
import { runConsole } from '../../src/console/run.tsx';

process.exitCode = await runConsole({
  configPath: process.argv[2] ?? '',
  plain: process.argv[3] === '--plain',
});
