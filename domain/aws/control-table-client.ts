import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { carryTrace } from './carry-trace.ts';

/** The control table as the adapters reach it. */
export type ControlTableClient = { documents: DynamoDBDocumentClient; tableName: string };

/** A client whose endpoint, region and credentials come from the AWS SDK's own settings. */
export const controlTableClient = (tableName: string): ControlTableClient => ({
  documents: DynamoDBDocumentClient.from(carryTrace(new DynamoDBClient({})), {
    marshallOptions: { removeUndefinedValues: true },
  }),
  tableName,
});

/** Runs a conditional write: true when it was done, false when its condition did not hold. */
export const whenConditionHolds = async (write: Promise<unknown>): Promise<boolean> =>
  (await outputWhenConditionHolds(write.then(() => true))) ?? false;

/** Runs a conditional write: what it returns when it was done, undefined when its condition did not hold. */
export const outputWhenConditionHolds = async <Output>(write: Promise<Output>): Promise<Output | undefined> => {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
};
