import { DynamoFlagStore } from '../../domain/flags/dynamo-flag-store.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';

let flags: DynamoFlagStore | undefined;
/** One for all that run in a process: what one of them switches, or has read, the others know. */
export const flagStore = (environment: HasControlTable) => {
  flags ??= new DynamoFlagStore(table(environment));
  return flags;
};
