/** The house rules as tables: who may import whom, what the engine must take from its effects, and the few exceptions. */

/**
 * Folders under src/ (and errors.ts, version.ts) that a folder may import statically, itself aside.
 * engine ← commands ← {cli, batch, repl, wizard, panels} ← console; config and lang stand beside commands.
 */
export const LAYERS = {
  errors: [],
  version: [],
  engine: ['errors', 'version'],
  config: ['errors', 'version', 'engine'],
  lang: ['errors', 'version', 'config'],
  commands: ['errors', 'version', 'engine', 'config', 'lang'],
  batch: ['errors', 'version', 'engine', 'config', 'lang', 'commands'],
  repl: ['errors', 'version', 'engine', 'config', 'lang', 'commands'],
  wizard: ['errors', 'version', 'engine', 'config', 'lang', 'commands'],
  panels: ['errors', 'version', 'engine', 'config', 'lang', 'commands'],
  cli: ['errors', 'version', 'engine', 'config', 'lang', 'commands'],
  console: [
    'errors',
    'version',
    'engine',
    'config',
    'lang',
    'commands',
    'cli',
    'batch',
    'repl',
    'wizard',
    'panels',
  ],
};

/** Further folders whose types alone may be imported: nothing of that is left at run time. */
export const TYPE_LAYERS = { lang: ['commands', 'engine'] };

/**
 * Who may load a higher folder with `import()`: the launchers, which choose a mode and then load it.
 * A folder name stands for every file in it.
 */
export const LAUNCHERS = {
  'src/cli/': ['batch', 'wizard', 'console', 'repl'],
  'src/commands/start/init.ts': ['wizard'],
  'src/commands/start/recover-setup.ts': ['wizard'],
  'src/commands/start/batch.ts': ['batch'],
  'src/commands/start/console.ts': ['console', 'wizard', 'repl'],
  'src/commands/start/demo': ['console'],
};

/** A running node, what it does for its owner, and the door to both from other processes. */
const ABOVE = ['control', 'calls', 'node'];
const PARTS = ['shardstore', 'mesh', 'placement', 'transfer', 'catalog', 'maintenance', 'backends', ...ABOVE];

/** Parts of the engine that are written against interfaces, and the parts whose insides they must not import. */
export const ENGINE_PARTS = {
  effects: ['codec', 'keys', ...PARTS],
  codec: PARTS,
  keys: PARTS,
  placement: ['shardstore', 'mesh', 'transfer', 'catalog', 'maintenance', ...ABOVE],
  shardstore: ['mesh', 'placement', 'transfer', 'catalog', 'maintenance', 'keys', ...ABOVE],
  catalog: ['shardstore', 'mesh', 'placement', 'transfer', 'maintenance', ...ABOVE],
  control: ['shardstore', 'mesh', 'placement', 'transfer', 'catalog', 'maintenance', 'keys', 'calls', 'node'],
  mesh: ['catalog', ...ABOVE],
  backends: ['catalog', ...ABOVE],
  transfer: ['catalog', ...ABOVE],
  maintenance: ['catalog', ...ABOVE],
  mirror: ABOVE,
  calls: ['control'],
};

/** Packages that draw a terminal interface; only `ui/` folders, panels/views and console may import them. */
export const UI_PACKAGES = ['ink', 'react', 'ink-text-input', '@inkjs/ui'];
export const UI_FOLDERS = /^src\/(?:[^/]+\/ui\/|panels\/views\/|console\/)/;

/** Packages that no one-shot command may load before it knows that it needs them. */
export const HEAVY_PACKAGES =
  /^(?:ink|react|ink-text-input|fastify|lmdb|libp2p|@libp2p\/.+|@chainsafe\/libp2p-.+)$/;
export const LIGHT_ROOTS = /^(?:bin\/datamesh|src\/(?:cli|commands|lang|config|batch)\/.+)$/;

/** Node modules that are effects. node:crypto is allowed for pure computation; its random sources are not (below). */
export const EFFECT_MODULES =
  /^(?:node:)?(?:fs|fs\/promises|net|tls|http|https|http2|dgram|dns|child_process|timers|timers\/promises|cluster|readline|os|process|perf_hooks)$/;

/** Globals and calls that are effects: `what` names it in the allow list. */
export const EFFECT_CALLS = [
  { what: 'timers', pattern: /\b(?:setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b/g },
  { what: 'Date', pattern: /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bTemporal\.Now\b/g },
  { what: 'performance', pattern: /\bperformance\.|\bprocess\.(?:hrtime|uptime)\b/g },
  { what: 'Math.random', pattern: /\bMath\.random\b/g },
  {
    what: 'crypto random',
    pattern: /\b(?:randomBytes|randomUUID|randomFill|randomFillSync|randomInt|getRandomValues)\b/g,
  },
];

/** File (or folder ending in /) → effects it may touch, with the reason. An entry that nothing uses is a violation too. */
export const EFFECT_EXCEPTIONS = [
  {
    path: 'src/engine/control/socket-path.ts',
    effects: ['node:fs/promises'],
    reason: 'owner and type of the folder of a socket, which Disk does not tell',
  },
  {
    path: 'src/engine/control/server.ts',
    effects: ['node:fs/promises'],
    reason: 'mode of the socket that Fastify makes, and removal of a dead one',
  },
  {
    path: 'src/engine/mesh/bulk/',
    effects: ['node:tls', 'timers'],
    reason:
      'the bulk plane is a transport beside libp2p, its handshake limit the socket’s own; a simulated node has its own Net',
  },
];

export const MAX_LINES = 400;
export const WARN_LINES = 300;
/** Files that a tool wants as a default export. */
export const DEFAULT_EXPORT_ALLOWED = ['vitest.config.ts'];
