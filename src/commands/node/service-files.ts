/** What service managers are told about the node: the systemd unit and the launchd property list, as texts. Pure. */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dataPaths } from '../../engine/options.ts';
import { BACKGROUND_NICE } from './give-way.ts';
import { NODE_ENVIRONMENT, NODE_FLAGS } from './node-flags.ts';
import { LOG_FILE_ENV } from './service-events.ts';

export type Manager = 'systemd' | 'launchd';
export type Scope = 'user' | 'system';

export interface ServiceFile {
  manager: Manager;
  scope: Scope;
  /** Absolute: the runtime, bin/datamesh, the configuration and the data folder. */
  node: string;
  launcher: string;
  config: string;
  dataDir: string;
  /** Gives way to other programs: what the manager has to say of it, as the unit forbids the service to. */
  background: boolean;
  /** The node's name, for people who look at the manager's list. */
  name: string;
  /** Runs as this user; only for the whole system. */
  user: string | undefined;
  /** File with the keyring's passphrase, absolute. */
  passphraseFile: string | undefined;
  /** Further folders that the service writes to: disks of pools. */
  writes: readonly string[];
}

/** By this line a file is known as ours, to be replaced and removed. */
export const MARK = 'Written by "datamesh service install"';

export function serviceFile(file: ServiceFile): string {
  return file.manager === 'systemd' ? systemdUnit(file) : launchdPlist(file);
}

function commandLine({ node, launcher, config, dataDir }: ServiceFile): string[] {
  return [
    node,
    ...NODE_FLAGS,
    launcher,
    'service',
    'run',
    '--no-input',
    '--config',
    config,
    '--data-dir',
    dataDir,
  ];
}

/**
 * Type=exec: the node is started when its process runs; it says in its log when it answers. V8 writes machine code at run time, so
 * MemoryDenyWriteExecute cannot be set.
 */
function systemdUnit(file: ServiceFile): string {
  const system = file.scope === 'system';
  return `# ${MARK}; "datamesh service uninstall" removes it.
[Unit]
Description=datamesh node ${unitText(file.name)}
Documentation=${manual(file)}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
${environment()}ExecStart=${execStart(file)}
# The configuration is read again (datamesh config set tells the service by itself).
ExecReload=/bin/kill -HUP $MAINPID
${file.user === undefined ? '' : `User=${unitText(file.user)}\n`}${passphrase(file)}${priority(file)}Restart=on-failure
RestartSec=5
# Used wrongly, not set up, not allowed: trying again mends none of these.
RestartPreventExitStatus=2 4 9
TimeoutStopSec=30
KillMode=mixed
UMask=0077
LimitNOFILE=65536
# A core would hold keys.
LimitCORE=0

# What an intruder in this process could still do. These need no rights beyond a user's.
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
${system ? systemSandbox(file) : ''}
[Install]
WantedBy=${system ? 'multi-user.target' : 'default.target'}
`;
}

/** What lies beside the launcher: a man page is only where npm could put one, and systemd looks whether it is there. */
function manual({ launcher }: ServiceFile): string {
  return unitText(pathToFileURL(join(dirname(launcher), '..', 'docs', 'CLI.md')).href);
}

/** Mounts and capabilities are the system manager's to give and take; a user's manager has them only where user namespaces are allowed. */
function systemSandbox(file: ServiceFile): string {
  return `
# The file system is read-only but for the node's own folders and /tmp. That must be the one of its users: a restore into it would else end well, and
# nobody find the files; and the control socket lies there where the data folder's path is too long for it.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${[file.dataDir, '/tmp', ...file.writes].map((path) => quoted(path)).join(' ')}
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
CapabilityBoundingSet=
AmbientCapabilities=
RemoveIPC=yes
`;
}

function environment(): string {
  return Object.entries(NODE_ENVIRONMENT)
    .map(([name, value]) => `Environment=${name}=${value}\n`)
    .join('');
}

function passphrase({ passphraseFile }: ServiceFile): string {
  if (passphraseFile === undefined) return '';
  return `# systemd reads the file itself, and hands the service a copy that nobody else can open.
LoadCredential=passphrase:${unitText(passphraseFile)}
Environment=DATAMESH_PASSPHRASE_FILE=%d/passphrase
`;
}

function priority({ background }: ServiceFile): string {
  return background ? `# Other programs go first: setting node.priority.\nNice=${BACKGROUND_NICE}\n` : '';
}

/** Free text of a setting: a "%" begins a specifier, and a line ends the setting. */
function unitText(text: string): string {
  return text.replaceAll('%', '%%').replace(/[\r\n]/g, ' ');
}

/** The first word may hold no quotes or backslashes, however written (systemd.service, "ExecStart="): env(1) is then told of it like of any other. */
function execStart(file: ServiceFile): string {
  const [node = '', ...words] = commandLine(file);
  const plain = !/["'\\$]|\p{Cc}/u.test(node);
  const program = plain ? [quoted(node)] : ['/usr/bin/env', argument(node)];
  return [...program, ...words.map(argument)].join(' ');
}

/** Of a command line: "$" would begin a variable. */
function argument(text: string): string {
  return quoted(text).replaceAll('$', '$$$$');
}

/** One word (systemd.syntax, "Quoting"). */
function quoted(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r')
    .replaceAll('%', '%%');
  return /^[\w@+=:,./-]+$/.test(text) ? text : `"${escaped}"`;
}

function launchdPlist(file: ServiceFile): string {
  const { log } = dataPaths(file.dataDir);
  // launchd keeps no log and bounds none: the service does, as one that was started by hand.
  const variables = {
    [LOG_FILE_ENV]: log,
    ...(file.passphraseFile === undefined ? {} : { DATAMESH_PASSPHRASE_FILE: file.passphraseFile }),
  };
  const environment = Object.entries(variables)
    .map(([name, value]) => `    <key>${name}</key><string>${xml(value)}</string>\n`)
    .join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MARK}; "datamesh service uninstall" removes it. -->
<plist version="1.0">
<dict>
  <key>Label</key><string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${[...commandLine(file), '--log-format', 'json']
  .map((word) => `    <string>${xml(word)}</string>\n`)
  .join('')}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${environment}  </dict>
${file.user === undefined ? '' : `  <key>UserName</key><string>${xml(file.user)}</string>\n`}  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key><false/>
  </dict>
  <key>ThrottleInterval</key><integer>5</integer>
  <key>ExitTimeOut</key><integer>30</integer>
  <key>Umask</key><integer>63</integer>
  <key>SoftResourceLimits</key>
  <dict>
    <key>Core</key><integer>0</integer>
    <key>NumberOfFiles</key><integer>65536</integer>
  </dict>
  <key>StandardOutPath</key><string>${xml(log)}</string>
  <key>StandardErrorPath</key><string>${xml(log)}</string>
</dict>
</plist>
`;
}

export const LAUNCHD_LABEL = 'io.github.datamesh.node';

export function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
