import { GatewayFailure } from './gateway-failure.ts';
import { AuthorizerAnswer, allows } from './policy.ts';

/** What functions find in `requestContext.authorizer`. */
export type AuthorizerContext = { principalId: string } & Record<string, string>;

/** Whom an authorizer lets in. */
export type Caller = {
  readonly context: AuthorizerContext;
  /** Value of the API key that the authorizer has named. */
  readonly apiKey: string | null;
};

export type AuthorizerOptions = {
  /** Calls the authorizer function. */
  readonly call: (event: { type: 'TOKEN'; authorizationToken: string; methodArn: string }) => Promise<unknown>;
  /** How long an answer is good for its token; 0 asks each time. */
  readonly ttlSeconds: number;
  readonly now: () => number;
};

type Cached = { readonly answer: AuthorizerAnswer; readonly until: number };

const LARGEST_CACHE = 1_000;

/** API Gateway's token authorizer: one answer serves all of a token's requests for a while. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #cache = new Map<string, Cached>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /**
   * @param token the `Authorization` header, whole
   * @throws {GatewayFailure} UNAUTHORIZED, ACCESS_DENIED, or DEFAULT_5XX when the authorizer fails
   */
  async authorize(token: string | undefined, methodArn: string): Promise<Caller> {
    // Without a token the function is not even asked.
    if (token === undefined || token === '') throw new GatewayFailure('UNAUTHORIZED');
    const answer = this.#cached(token) ?? (await this.#ask(token, methodArn));
    if (!allows(answer, methodArn)) throw new GatewayFailure('ACCESS_DENIED');
    const values = Object.entries(answer.context).map(([name, value]) => [name, String(value)]);
    const context = { ...Object.fromEntries(values), principalId: answer.principalId };
    return { context, apiKey: answer.usageIdentifierKey ?? null };
  }

  #cached(token: string): AuthorizerAnswer | undefined {
    const cached = this.#cache.get(token);
    if (cached === undefined || cached.until > this.#options.now()) return cached?.answer;
    this.#cache.delete(token);
    return undefined;
  }

  async #ask(authorizationToken: string, methodArn: string): Promise<AuthorizerAnswer> {
    const { call, ttlSeconds, now } = this.#options;
    const answer = AuthorizerAnswer.safeParse(
      await call({ type: 'TOKEN', authorizationToken, methodArn }).catch(refusal),
    );
    if (!answer.success) throw new GatewayFailure('DEFAULT_5XX', { cause: answer.error });
    if (ttlSeconds > 0) this.#keep(authorizationToken, { answer: answer.data, until: now() + ttlSeconds * 1000 });
    return answer.data;
  }

  #keep(token: string, cached: Cached): void {
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= LARGEST_CACHE && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(token, cached);
  }
}

/** The word `Unauthorized` is the token's fault; any other error is ours. Neither is kept. */
const refusal = (error: unknown): never => {
  const unauthorized = error instanceof Error && error.message === 'Unauthorized';
  throw new GatewayFailure(unauthorized ? 'UNAUTHORIZED' : 'DEFAULT_5XX', { cause: error });
};
