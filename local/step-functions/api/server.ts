import { type Api, serveActions } from '../../aws-json/serve-actions.ts';
import type { Loopback } from '../../loopback.ts';
import type { StepFunctionsErrorType } from '../step-functions-error.ts';
import type { Backend } from './action.ts';
import { executionActions } from './execution-actions.ts';
import { machineActions } from './machine-actions.ts';
import { taskActions } from './task-actions.ts';

const api: Api<Backend, StepFunctionsErrorType> = {
  protocol: '1.0',
  targetPrefix: 'AWSStepFunctions.',
  actions: { ...machineActions, ...executionActions, ...taskActions },
  unknownAction: 'UnknownOperationException',
  notJson: 'ValidationException',
  internalFault: 'InternalFailure',
};

/** The Step Functions API. */
export const serve = (backend: Backend, port: number): Promise<Loopback> => serveActions(api, backend, port);
