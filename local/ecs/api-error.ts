/** Every error that the API answers with; the SDK throws the exception of the same name. */
export type ApiErrorType =
  | 'ClientException'
  | 'InvalidParameterException'
  | 'ServiceNotActiveException'
  | 'ServiceNotFoundException'
  | 'UnsupportedFeatureException';

/** A request that is refused, as ECS refuses it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: ApiErrorType;

  constructor(type: ApiErrorType, message: string) {
    super(message);
    this.type = type;
  }
}
