import type { Column } from '../command.ts';

export const KEY_COLUMNS: readonly Column[] = [
  { key: 'name', title: 'NAME' },
  { key: 'ownerId', title: 'OWNER', format: 'id' },
  { key: 'default', title: 'DEFAULT', format: 'yesno' },
  { key: 'protected', title: 'PASSPHRASE', format: 'yesno', priority: 1 },
  { key: 'createdAtMs', title: 'CREATED', format: 'time', priority: 2 },
];
