import { StepFunctionsError } from './step-functions-error.ts';

/** What AWS forbids in the name of a machine or an execution. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among what is forbidden
const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;
const LONGEST = 80;

/** @throws {StepFunctionsError} InvalidName */
export const checkName = (name: string): string => {
  if (name.length >= 1 && name.length <= LONGEST && !FORBIDDEN.test(name)) return name;
  throw new StepFunctionsError('InvalidName', `Invalid Name: '${name}'`);
};

/** @throws {StepFunctionsError} InvalidArn */
export const checkArn = (arn: string, kind: 'stateMachine' | 'execution'): string => {
  const rest = arn.split(':').slice(6);
  const parts = kind === 'stateMachine' ? 1 : 2;
  if (arn.startsWith('arn:aws:states:') && arn.split(':')[5] === kind && rest.length === parts) return arn;
  throw new StepFunctionsError('InvalidArn', `Invalid Arn: '${arn}' is not the ARN of a ${kind}`);
};

/** The ARN that an execution of a machine has. */
export const executionArn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
