/** Texts of `help TOPIC`, for what belongs to no single command. */
import { EXIT, errorTable } from '../../errors.ts';

export interface Topic {
  name: string;
  summary: string;
  lines(): string[];
}

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'done',
  failed: 'the command failed',
  usage: 'usage, syntax or validation: nothing was run',
  partial: 'partly done: some failed with --keep-going, or an object rests on fewer nodes than wanted',
  notConfigured: 'not configured, or the configuration is not valid',
  unreachable: 'the node or the network cannot be reached',
  conflict: 'a conflict: it exists already, or a lock is held',
  integrity: 'integrity: data are lost, damaged or not authentic',
  notFound: 'not found',
  denied: 'denied',
  full: 'a quota or a disk is full',
  timeout: 'the time given by --timeout ran out',
  internal: 'a defect in datamesh',
  interrupted: 'interrupted (Ctrl-C)',
  terminated: 'terminated (SIGTERM)',
};

function exitCodes(): string[] {
  const statuses = Object.entries(EXIT) as [keyof typeof EXIT, number][];
  return [
    'Every command ends with one of these. New ones may come: treat any non-zero status as failure.',
    '',
    ...statuses.flatMap(([name, status]) => {
      const ids = errorTable()
        .filter((entry) => entry.exit === status)
        .map((entry) => `      ${entry.id} ${entry.code}`);
      return [`  ${String(status).padStart(3)}  ${EXIT_MEANINGS[name]}`, ...ids];
    }),
    '  129  the terminal was closed (SIGHUP)',
    '  141  standard output was closed by its reader',
  ];
}

export const TOPICS: readonly Topic[] = [
  { name: 'exit-codes', summary: 'What each exit status means', lines: exitCodes },
  {
    name: 'environment',
    summary: 'Environment variables that are read',
    lines: () => [
      'A flag beats a variable, a variable beats the configuration file, the file beats the default.',
      '',
      '  DATAMESH_CONFIG           configuration file, in place of $XDG_CONFIG_HOME/datamesh/config.json',
      "  DATAMESH_…                any configuration key, e.g. DATAMESH_NODE_NAME; 'config list' shows them",
      '  DATAMESH_PASSPHRASE_FILE  file that holds the keyring passphrase',
      '  DATAMESH_PASSPHRASE       the passphrase itself; other users may see it, prefer the file',
      '  NO_COLOR, FORCE_COLOR     no colour; colour also off a terminal',
      '  COLUMNS                   width of tables where it cannot be asked of a terminal',
      '  ACCESSIBLE                the append-only line console',
      '  DATAMESH_THEME            contrast: a console without dimmed text, in strong colours',
      '  VISUAL, EDITOR            the editor of config edit and of Ctrl-X Ctrl-E in the console',
      '  XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME',
      '                            where configuration, data and history lie',
      '  CI                        no console unless it is asked for by name',
    ],
  },
  {
    name: 'formatting',
    summary: 'What commands print, for people and for programs',
    lines: () => [
      'On a terminal: tables that fit its width (--wide shows every column), sizes in binary units, local times.',
      '',
      'Into a pipe or a file: fields separated by TABs with a header line (--no-header leaves it out), whole ids, raw',
      'numbers, times in UTC as ISO 8601; a single record is one line per field: key, TAB, value.',
      '',
      'With --json: one JSON object a line, with the same fields as the table and more; sizes in bytes, times in',
      'milliseconds since 1970, durations in milliseconds, null where nothing was measured. --json=name,sizeBytes prints',
      'only these; --columns does the same for tables.',
      '',
      'Results go to standard output, everything else (errors, warnings, questions, progress) to standard error. Control',
      'characters in names are shown as escapes such as \\n and \\e, never raw; JSON escapes them in its own way.',
      '',
      'An error is one line: error[DM-8001]: what happened (why); what to do. With --json it is an object with "type":',
      '"error", "code", "id" and "exit". --verbose adds the causes.',
    ],
  },
  {
    name: 'batch',
    summary: 'Scripts of commands over standard input',
    lines: () => [
      "'datamesh batch < FILE', or any pipe into 'datamesh', runs one command a line.",
      '',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text shows the syntax itself
      '  # a comment                    set NAME=value      put $NAME      ${NAME:-default}  ${env:HOME}',
      '  \'literal text\'  "text with $NAME and \\n"    a trailing backslash continues the line',
      '  a ; b    a && b    a || b      list | where sizeBytes > 1MiB | sort -r sizeBytes | head 5',
      '',
      '  list > FILE    list >> FILE    (results into a file, as they would be in a pipe; FILE is replaced when all have come, and a',
      '                                 command that fails leaves it as it is; to >> FILE is added what came)',
      '',
      'Filters: grep [-i] [-v] PATTERN, head N, tail N, sort COLUMN [-r], cols A,B, where COLUMN OP VALUE, count, json.',
      'In scripts also: echo TEXT, sleep 2s, on-error continue|stop, expect-exit N, and assert COMMAND | where …, which fails when no',
      'record is left.',
      '',
      'The whole text is read and checked first. With any mistake in it all are listed as <stdin>:line:column, nothing is',
      'run, and the exit status is 2. Then lines run in order; the first failure stops the script with its exit status,',
      'and later lines are reported as skipped. With --keep-going they run, and the exit status is 3 if any failed.',
      '',
      'With --json standard output holds one JSON object a line, each with "type" and "v": 1:',
      '  start    line, cmd                       a command begins',
      '  record   line, data                      a row, the same fields as with --json in one-shot use',
      '  note, warning, error                     line, and text or the error',
      '  result   line, cmd, ok, code, ms         the command ended (skipped: true when it was not run)',
      '  effects  line, cmd, command, effects     with --check: what the line would change',
      '  summary  ok, code, ran, failed, skipped, ms',
      "'datamesh help batch --schema' prints their JSON Schema.",
      '',
      'Nothing is rolled back. --plan FILE runs nothing and writes the steps with the objects and files that they find; --apply FILE',
      'runs them unless one of these has changed since (exit 6). --resume leaves out what an earlier run of the same script, with the',
      'same variables in the same folder and with the same configuration, has done. --stream runs each line as it comes, without',
      'looking at the rest.',
      '',
      'Destructive commands need --yes, on the line or for the whole batch.',
    ],
  },
  {
    name: 'console',
    summary: 'The language of the console beside that of scripts',
    lines: () => [
      "All of 'help batch', line by line, and:",
      '',
      '  !!                    the line before; !! | head 5 with more behind it',
      "  alias NAME='LINE'     a short name for the beginning of a line; alias shows them, alias NAME= forgets one",
      '  time LINE             how long it takes          watch [2s] LINE    again and again, until Ctrl-C',
      '  explain LINE          what it would do           source FILE        runs a script, by the rules of a batch',
      '  undo                  takes back the last put, delete, undelete, rename or copy of this console',
      '  LINE &                in the background          LINE > FILE        results into a file',
      '  $?  $_                exit status and last argument of the command before',
      '',
      'A corrected line is offered and never run by itself; one that would destroy something is not even offered. Keys: ? or F1.',
    ],
  },
  {
    name: 'accessibility',
    summary: 'Screen readers, small and dumb terminals, no colour',
    lines: () => [
      'With the variable ACCESSIBLE set, on a dumb or small terminal, and with --plain the console is a prompt line by line: text is only',
      'ever added, nothing is drawn over, moved or cleared, and every command is there.',
      '',
      'Colour never carries a meaning of its own: a word or a mark stands beside it. NO_COLOR or --no-color leaves it out. In a locale',
      'without UTF-8 frames and marks are ASCII.',
    ],
  },
  {
    name: 'redundancy',
    summary: 'Codes such as 4+2, and what they survive',
    lines: () => [
      'A file is cut into chunks; each chunk becomes k data and m parity shards on k+m different nodes. Any k of them',
      'give the chunk back. A code is written k+m.',
      '',
      '  code    stored    survives the loss of    needs',
      '  2+1     1.50 ×    1 node                  3 nodes',
      '  4+2     1.50 ×    2 nodes                 6 nodes',
      '  10+6    1.60 ×    6 nodes                 16 nodes',
      '  1+2     3.00 ×    2 nodes                 3 nodes (whole copies)',
      '',
      'Spare is the number of living shards of a stripe minus k, the one figure of health: at spare 0 the next loss',
      "destroys data. 'put' refuses when there are too few nodes; --allow-degraded stores what can be stored, says so, and",
      'ends with exit status 3.',
    ],
  },
  {
    name: 'keys',
    summary: 'Who owns what: phrase, owner, device',
    lines: () => [
      'An owner is a phrase of 24 words. From it come all keys that open your files; write it down, it is shown once and',
      'nobody can give it back. A device (a node) has an own random identity, certified by its owner, so that a lost',
      'machine can be replaced without touching data.',
      '',
      "The keyring lies in the data folder with mode 0600, sealed by a passphrase if you gave one. 'keys list' shows the",
      "owners on this machine; 'keys export' and 'keys import' carry one to another.",
      "'keys rotate' locks the keyring with another passphrase; the words and what they open stay the same.",
    ],
  },
];
