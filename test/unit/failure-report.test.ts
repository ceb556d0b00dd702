import { describe, expect, test } from 'vitest';
import { Refusal, Retryable } from '../../domain/failure.ts';
import { operationErrorFrom, reportFailure } from '../../domain/operation/failure-report.ts';

/** A failure as Lambda hands it to Step Functions. */
const asLambda = ({ word, report }: { word: string; report: string }) => ({
  Error: word,
  Cause: JSON.stringify({ errorType: word, errorMessage: report, trace: [] }),
});

describe('a failure on its way through a workflow', () => {
  test('keeps its code, message and word, thrown by a function', () => {
    const failure = new Retryable('at_capacity', 'No slot is free.');
    expect(reportFailure(failure).word).toBe('Retryable');
    expect(operationErrorFrom(asLambda(reportFailure(failure)))).toEqual({
      code: 'at_capacity',
      message: 'No slot is free.',
      retryable: true,
    });
  });

  test('keeps them too when an instance reported it by the task token', () => {
    const { word, report } = reportFailure(new Refusal('conflict', 'Not yours.'));
    expect(operationErrorFrom({ Error: word, Cause: report })).toEqual({
      code: 'conflict',
      message: 'Not yours.',
      retryable: false,
    });
  });

  test('says nothing of what an unexpected error says', () => {
    const { word, report } = reportFailure(new Error('password=hunter2'));
    expect(word).toBe('Unknown');
    expect(report).not.toContain('hunter2');
  });

  test.each([
    { Error: 'States.Timeout', Cause: '' },
    { Error: 'Lambda.Unknown', Cause: 'The cause could not be determined.' },
    { Error: 'TypeError', Cause: '{"errorType":"TypeError","errorMessage":"x is not a function"}' },
  ])('of $Error, which carries no code, the client hears a fault of ours that may be tried again', (failure) => {
    expect(operationErrorFrom(failure)).toMatchObject({ code: 'internal', retryable: true });
  });
});
