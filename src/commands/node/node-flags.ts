/** See below; not allowed in NODE_OPTIONS. */
export const LEAST_SEMI_SPACE = '--min-semi-space-size=8';

/**
 * What Node.js is started with where it runs a node for long. It has to stand on the command line: V8 reads it once, before any JavaScript.
 *
 * V8 collects short-lived objects when their space is full, and lets that space grow to twice 64 MiB where memory is plenty. With 8 MiB a coordinator of a put and
 * a get of 10 GiB comes to 251 MiB, where it came to 331, and small objects cost what they did (docs/decisions/host-memory.md). No less either: told to keep
 * memory small (keep-memory-small.ts), V8 would shrink that space whenever a node has little to do, and collect in it all the time.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8', LEAST_SEMI_SPACE];

/**
 * For glibc's malloc, which reads it when a process begins: threads other than the main one share one arena. With one for each (V8 alone has four) what is freed in one
 * is no use to another, and a node keeps some 10 MB more (docs/decisions/host-memory.md). Other C libraries ignore it.
 */
export const NODE_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
