import { Logger } from '@aws-lambda-powertools/logger';

/** Structured lines for CloudWatch. What a line is about goes into its own fields: operationId, graphId, requestId. */
export const logger = new Logger({ serviceName: 'graphfleet' });
