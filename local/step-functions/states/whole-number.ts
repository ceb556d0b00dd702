import type { Frame } from '../frame.ts';

/**
 * The value of a field that counts seconds or branches.
 * @throws {StateFailure} States.QueryEvaluationError
 */
export const wholeNumber = async (frame: Frame, template: number | string, field: string): Promise<number> => {
  const value = await frame.evaluate(template, field);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw frame.evaluationFailed(field, `it must be a whole number, not ${JSON.stringify(value)}`);
};
