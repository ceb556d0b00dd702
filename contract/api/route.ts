import type * as z from 'zod';

export const SCOPES = ['graphs:read', 'graphs:write', 'fleet:read', 'fleet:operate'] as const;
export type Scope = (typeof SCOPES)[number];

type Answer = { description: string; schema?: z.ZodType; contentTypes?: readonly string[] };

/** One route of the API: what API Gateway, the function's pipeline, the OpenAPI document and the local front agree on. */
export type Route<
  Body extends z.ZodType = z.ZodType,
  Path extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
> = {
  /** Name of the function, and of its file in `functions/api/`. */
  readonly function: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/v1/${string}`;
  readonly summary: string;
  /** Null: open to everyone, without a token. */
  readonly scope: Scope | null;
  /** Another scope that is enough: the handler then tells by the scopes what may be touched. */
  readonly operatorScope?: Scope;
  /** The answer is streamed: it can be larger and last longer than a buffered one. */
  readonly streams: boolean;
  /** The handler gets the body as text only: its signature comes before its content. */
  readonly raw?: true;
  readonly body: Body;
  readonly params: Path;
  readonly query: Query;
  /** A command that the log of no operation tells of, or not who gave it: the pipeline notes it in the audit. */
  readonly audited?: true;
  /** It is counted as a query of its tenant. */
  readonly countsAsQuery?: true;
  /** Whether `Idempotency-Key` is honoured, or even has to be sent. */
  readonly idempotent: boolean | 'required';
  readonly answers: Readonly<Record<number, Answer>>;
};

/** Whether a route changes something. What streams its answer only reads, whatever its method. */
export const isCommand = ({ method, streams }: Route): boolean => method !== 'GET' && !streams;

/** Whether a route changes the fleet. */
export const isOperatorAction = (route: Route): boolean => isCommand(route) && route.scope === 'fleet:operate';
