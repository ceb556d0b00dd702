import type { GatewayResponseType } from '../../contract/gateway-responses.ts';

/** The gateway answers by itself, with the response of this type. */
export class GatewayFailure extends Error {
  override readonly name = 'GatewayFailure';
  readonly type: GatewayResponseType;

  constructor(type: GatewayResponseType, options: { cause?: unknown } = {}) {
    super(type, options);
    this.type = type;
  }
}
