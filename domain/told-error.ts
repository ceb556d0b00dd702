import { Failure } from './failure.ts';

/** What a log line tells of an error. */
export type ToldError = {
  name: string;
  message?: string;
  code?: string | number;
  $metadata?: unknown;
  /** Where it was thrown, without the message that a stack begins with. */
  stack: string[];
  cause?: ToldError;
};

/**
 * What a log line may tell of an error and its causes: the rows, queries and answers that errors carry are the tenant's, so
 * all other properties stay behind. A failure's message is for whoever asked, and is never told.
 * @param hasOwnWords whether the message of an error that is no failure has no content of a request in it
 */
export const toldError = (error: Error, hasOwnWords: (error: Error) => boolean): ToldError => {
  const { code, $metadata } = error as { code?: unknown; $metadata?: unknown };
  return {
    name: error.name,
    ...(!(error instanceof Failure) && hasOwnWords(error) && { message: error.message }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...($metadata !== undefined && { $metadata }),
    stack: placesOf(error),
    ...(error.cause instanceof Error && { cause: toldError(error.cause, hasOwnWords) }),
  };
};

/** None when the message is not in the stack: it may have been another one then. */
const placesOf = ({ stack = '', message }: Error): string[] => {
  const start = stack.indexOf(message);
  const lines = start < 0 ? [] : stack.slice(start + message.length).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('at '));
};
