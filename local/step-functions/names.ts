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

/** The ARN of a machine, and the version or alias that stands behind it, if any. */
export const splitQualifier = (arn: string): [unqualified: string, qualifier: string | undefined] => {
  const parts = arn.split(':');
  return parts[5] === 'stateMachine' && parts.length === 8 ? [parts.slice(0, 7).join(':'), parts[7]] : [arn, undefined];
};

/** The ARN that an execution of a machine has, whatever alias it was started by. */
export const executionArn = (stateMachineArn: string, name: string): string =>
  `${splitQualifier(stateMachineArn)[0].replace(':stateMachine:', ':execution:')}:${name}`;
