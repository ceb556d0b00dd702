/** A request that is refused. The SDK throws the exception of the type's name; each service has its closed list. */
export class ApiError<Type extends string> extends Error {
  override readonly name = 'ApiError';
  readonly type: Type;

  constructor(type: Type, message: string) {
    super(message);
    this.type = type;
  }
}
