import { ApiError } from '../aws-json/api-error.ts';

/** Every error that the API refuses a request with. */
export type EcsErrorType =
  | 'ClientException'
  | 'InvalidParameterException'
  | 'ServiceNotActiveException'
  | 'ServiceNotFoundException'
  | 'UnsupportedFeatureException';

/** A request that is refused, as ECS refuses it. */
export class EcsError extends ApiError<EcsErrorType> {}
