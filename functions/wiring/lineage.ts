import type * as z from 'zod';
import type { LineageDeliveryEnvironment, LineageEnvironment } from '../../contract/environment.ts';
import { openSecret } from '../../domain/aws/secrets-manager.ts';
import { DynamoLetterStore } from '../../domain/letter/dynamo-letter-store.ts';
import { LetterBox } from '../../domain/letter/letter-box.ts';
import { type LineageReport, lineageEventOf, lineageIdOf, startOf } from '../../domain/lineage/lineage-event.ts';
import { FOR_HOURS, postLineage } from '../../domain/lineage/post-lineage.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';

export const lineageStore = (environment: HasControlTable) => new DynamoLetterStore(table(environment), 'lineage');

/** Events of lineage on their way out, and what posts them; undefined where nobody wants them. */
export const lineageOutbox = (environment: HasControlTable & z.output<typeof LineageDeliveryEnvironment>) => {
  const { LINEAGE_URL: url, LINEAGE_TOKEN: token } = environment;
  if (url === undefined) return undefined;
  const post = postLineage(url, token === undefined ? async () => undefined : openSecret(token));
  return new LetterBox(lineageStore(environment), post, { patience: FOR_HOURS, follows: startOf });
};

/**
 * Keeps a report for the schedule to post: one write, so an operation never waits for a catalogue. Repeating it keeps one
 * of each type of an operation.
 */
export const reportLineage = (environment: HasControlTable & z.output<typeof LineageEnvironment>) => {
  const outbox = lineageOutbox(environment);
  return async (report: LineageReport): Promise<void> => {
    await outbox?.keep(lineageIdOf(report), JSON.stringify(lineageEventOf(report)));
  };
};
