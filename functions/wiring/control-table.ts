import { type ControlTableClient, controlTableClient } from '../../domain/aws/control-table-client.ts';
import type { HasControlTable } from './environment.ts';

let client: ControlTableClient | undefined;
/** One client, and so one connection pool, for all the stores of a function. */
export const table = ({ CONTROL_TABLE_NAME }: HasControlTable): ControlTableClient => {
  client ??= controlTableClient(CONTROL_TABLE_NAME);
  return client;
};
