import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts findings of the checks on a resource, each for its own reason, by finding. */
export const acknowledge = (resource: IConstruct, reasons: Readonly<Record<string, string>>): void => {
  Validations.of(resource).acknowledge(...Object.entries(reasons).map(([id, reason]) => ({ id, reason })));
};

/** How a value of another stack reads in a finding: by the name under which its own stack exports it. */
export const exportedName = (owner: IConstruct, value: string): string => {
  const stack = Stack.of(owner);
  const reference = stack.resolve(stack.exportValue(value)) as { 'Fn::ImportValue': string };
  return reference['Fn::ImportValue'];
};
