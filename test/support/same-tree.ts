/** Two folders by the eyes of diff and rsync. */
import { spawnSync } from 'node:child_process';

export function hasTool(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

/** What `diff -r` and, where it is installed, `rsync -anc` with hard links say of two folders; nothing when they are the same. */
export function differences(a: string, b: string): string {
  // By way of env, which finds them on the PATH.
  const run = (...argv: string[]) => {
    const { stdout, stderr } = spawnSync('env', argv, {
      env: { ...process.env, LC_ALL: 'C' },
      encoding: 'latin1',
      maxBuffer: 1 << 28,
    });
    return stdout + stderr;
  };
  const diff = run('diff', '-r', '--no-dereference', a, b);
  return hasTool('rsync') ? diff + run('rsync', '-aHnci', '--delete', `${a}/`, `${b}/`) : diff;
}
