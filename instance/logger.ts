import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';

/** Structured lines on standard output, which ECS hands to CloudWatch. */
export type Logger = Pick<PowertoolsLogger, 'info' | 'warn' | 'error'>;

export const logger: Logger = new PowertoolsLogger({ serviceName: 'graphfleet-instance' });
