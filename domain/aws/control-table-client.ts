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
export const whenConditionHolds = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
