import { StateFailure } from '../failure.ts';
import { argument, type Resource } from './resource.ts';

/**
 * Runs a function and gives its result. An Error it throws becomes the task's failure, its `name` the error's name.
 * @param functionName the name or the ARN, as the machine gives it
 * @param trace the trace of the execution, as its header
 */
export type InvokeFunction = (functionName: string, payload: unknown, trace?: string) => Promise<unknown>;

/** A function that may have run, or not: its process died with ours. */
const lost = new StateFailure('Lambda.Unknown', 'The runner stopped while the function was running.');

const PREFIX = 'arn:aws:states:::lambda:invoke';

/** Functions, by the optimized integration or by their bare ARN. */
export const lambdaResource = (arn: string, invokeFunction: InvokeFunction): Resource | undefined => {
  if (arn.startsWith('arn:aws:lambda:')) return bareFunction(arn, invokeFunction);
  if (arn !== PREFIX && arn !== `${PREFIX}.waitForTaskToken`) return undefined;
  return {
    type: 'lambda',
    action: arn.slice('arn:aws:states:::lambda:'.length),
    answeredBy: arn === PREFIX ? 'call' : 'token',
    lost,
    fields: ['FunctionName', 'Payload'],
    async call(input, _repeated, trace) {
      const name = argument(input, 'FunctionName');
      if (typeof name !== 'string') throw new StateFailure('States.Runtime', 'lambda:invoke needs a FunctionName.');
      const Payload = await invoke(invokeFunction, name, argument(input, 'Payload') ?? {}, trace);
      return { ExecutedVersion: '$LATEST', Payload, StatusCode: 200 };
    },
  };
};

const bareFunction = (arn: string, invokeFunction: InvokeFunction): Resource => ({
  type: 'lambda',
  action: arn,
  answeredBy: 'call',
  lost,
  call: (input, _repeated, trace) => invoke(invokeFunction, arn, input, trace),
});

const invoke = async (
  invokeFunction: InvokeFunction,
  name: string,
  payload: unknown,
  trace: string | undefined,
): Promise<unknown> => {
  try {
    // Copied both ways: what a function does to its event or its result later is its own affair.
    return copy(await invokeFunction(name, copy(payload), trace));
  } catch (error) {
    throw thrownByFunction(error);
  }
};

const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

const thrownByFunction = (error: unknown): StateFailure => {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const trace = thrown.stack?.split('\n') ?? [];
  return new StateFailure(thrown.name, JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message, trace }));
};
