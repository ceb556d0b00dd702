import type { StateFailure } from '../failure.ts';

/** What a Task state calls: one ARN of a `Resource` field. */
export interface Resource {
  /** As the history names it: `lambda`, `states`, `aws-sdk:dynamodb`. */
  readonly type: string;
  /** As the history names it, with its pattern: `invoke.waitForTaskToken`. */
  readonly action: string;
  /** Who answers the task: the call itself, whoever holds its token, or the execution that the call starts. */
  readonly answeredBy: 'call' | 'token' | 'execution';
  /** The failure that a call counts as if the process died while it was under way; without one, it is repeated. */
  readonly lost?: StateFailure;

  /** The fields that the arguments may have, for a check before anything runs; undefined if anything goes. */
  readonly fields?: readonly string[];

  /** Settles what a repeated call must find again, before the first call. */
  prepare?(input: unknown): unknown;
  /**
   * Makes the call.
   * @param trace the trace of the execution, as its header
   * @throws {StateFailure}
   */
  call(input: unknown, repeated: boolean, trace: string | undefined): Promise<unknown>;
  /**
   * Waits for the execution that the call started.
   * @throws {StateFailure} it ended other than well
   */
  finish?(submitted: unknown): Promise<unknown>;
  /** Ends the execution that the call started, because nobody waits for it any more. */
  cancel?(submitted: unknown): void;
}

/** The named field of a task's arguments, if they have it. */
export const argument = (input: unknown, name: string): unknown =>
  typeof input === 'object' && input !== null && name in input ? Object(input)[name] : undefined;
