import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const MARKER = 'Ms Marker';

/** What a process writes that logs an error as `details`; `make` is an expression that gives the error. */
const lineOf = (logger: string, make: string): { text: string; error: Record<string, unknown> } => {
  const script = `
    const { logger } = await import('${ROOT}/${logger}');
    const { RowsRejected } = await import('${ROOT}/instance/staging/rejected-rows.ts');
    const { engineRefusal } = await import('${ROOT}/instance/database/engine-refusal.ts');
    const { Retryable } = await import('${ROOT}/domain/failure.ts');
    const marker = ${JSON.stringify(MARKER)};
    logger.error('It failed', { error: ${make} });`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    // Nothing of what other tests have set in this process.
    env: { POWERTOOLS_LOG_LEVEL: 'INFO' },
  });
  const text = stdout + stderr;
  return { text, error: (JSON.parse(text) as { error: Record<string, unknown> }).error };
};

const ROW = "{ file: 'a.csv', row: 1, line: 2, column: 'name', value: marker, reason: 'is no number' }";
const REFUSED = `Object.assign(new Error('Parser exception: ' + marker + '\\n    at ' + marker), { Item: { marker } })`;

describe.each(['instance/logger.ts', 'functions/telemetry/logger.ts'])('a line of %s', (logger) => {
  test('tells of rejected rows that they were, not what is in them', () => {
    const { text, error } = lineOf(logger, `new RowsRejected('Company', { count: 1, first: [${ROW}] })`);
    expect(text).not.toContain(MARKER);
    expect(error).toMatchObject({ name: 'Refusal', code: 'invalid_request' });
    expect(error['stack']).toEqual(expect.arrayContaining([expect.stringMatching(/^at /)]));
  });

  test('tells of a query that failed where it did, not the query', () => {
    const { text, error } = lineOf(
      logger,
      `engineRefusal(Object.assign(new SyntaxError(marker), { Item: { marker } }))`,
    );
    expect(text).not.toContain(MARKER);
    expect(error).toMatchObject({ name: 'Refusal', code: 'query_failed', cause: { name: 'SyntaxError' } });
  });

  test('tells what AWS and the system say', () => {
    const refusal = `Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $fault: 'client', $metadata: { requestId: 'r1' }, Item: { marker } })`;
    const { text, error } = lineOf(logger, `new Retryable('unavailable', marker, { cause: ${refusal} })`);
    expect(text).not.toContain(MARKER);
    const cause = { name: 'ThrottlingException', message: 'Rate exceeded', $metadata: { requestId: 'r1' } };
    expect(error).toMatchObject({ name: 'Retryable', code: 'unavailable', cause });
    const disk = `Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' })`;
    expect(lineOf(logger, disk).error).toMatchObject({ message: 'ENOSPC: no space left on device', code: 'ENOSPC' });
  });
});

test('a line of the instance tells no words of an engine, which may have a row or a query in them', () => {
  const { text, error } = lineOf('instance/logger.ts', REFUSED);
  expect(text).not.toContain(MARKER);
  expect(error).toMatchObject({ name: 'Error' });
});
