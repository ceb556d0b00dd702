import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import type { Route } from '../../contract/api/route.ts';
import { MAX_BODY_BYTES } from '../../contract/gateway-responses.ts';
import { invalidRequest, Refusal } from '../../domain/failure.ts';
import { fieldIssues, unseenFields } from '../requests/field-issues.ts';

/** A call that has passed the checks of its route. */
export type ApiRequest<R extends Route> = {
  /** Undefined on a raw route. */
  body: z.output<R['body']>;
  /** The body as it was sent. */
  text: string;
  params: z.output<R['params']>;
  query: z.output<R['query']>;
  /** From the authorizer's context, never from what the client sends. Empty on a public route. */
  tenantId: string;
  /** Who calls: the token's subject. */
  actor: string;
  scopes: readonly string[];
  idempotencyKey: string | undefined;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
};

/**
 * Checks a call against its route.
 * @throws {Refusal} `forbidden`, `not_found` (an id that no thing can have), `too_large`, `invalid_request`
 */
export const requestFrom = <R extends Route>(route: R, event: APIGatewayProxyEvent): ApiRequest<R> => {
  const { tenantId, subject, scopes } = callerOf(route, event);
  const headers = new Map(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const header = (name: string) => headers.get(name);
  const params = route.params.safeParse(event.pathParameters ?? {});
  if (!params.success) throw new Refusal('not_found', 'There is no such thing: the id in the path is not one of ours.');
  const text = textOf(event);
  const body = route.raw ? undefined : parsed(route.body, bodyOf(route, text));
  return {
    params: params.data as z.output<R['params']>,
    query: parsed(route.query, event.queryStringParameters ?? {}) as z.output<R['query']>,
    body: body as z.output<R['body']>,
    text,
    tenantId,
    actor: subject,
    scopes,
    idempotencyKey: route.idempotent ? idempotencyKeyFrom(header('idempotency-key'), route) : undefined,
    header,
  };
};

const callerOf = ({ scope, operatorScope }: Route, event: APIGatewayProxyEvent) => {
  if (scope === null) return { tenantId: '', subject: '', scopes: [] };
  const { tenantId, subject, scopes } = knownCaller(event);
  const enough = scopes.includes(scope) || (operatorScope !== undefined && scopes.includes(operatorScope));
  if (tenantId === undefined || subject === undefined || !enough) {
    throw new Refusal('forbidden', `The token needs the scope "${scope}".`);
  }
  return { tenantId, subject, scopes };
};

/** What the authorizer has found in the token, as far as there was one. */
export const knownCaller = ({ requestContext }: APIGatewayProxyEvent) => {
  const { tenantId, scopes, subject } = (requestContext.authorizer ?? {}) as Record<string, string | undefined>;
  return { tenantId, subject, scopes: (scopes ?? '').split(' ') };
};

const textOf = ({ body, isBase64Encoded }: APIGatewayProxyEvent): string => {
  const content = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (content.length <= MAX_BODY_BYTES) return content.toString('utf8');
  throw new Refusal('too_large', `The body has ${content.length} bytes; this service takes ${MAX_BODY_BYTES}.`);
};

const bodyOf = ({ method }: Route, text: string): unknown => {
  // Where nothing has to be said a client may send nothing; elsewhere what is missing is named.
  if (method === 'GET' || text === '') return {};
  const content = jsonOf(text);
  if (isDeeper(content, MAX_DEPTH)) {
    throw new Refusal('invalid_request', 'The body is nested too deeply.', {
      issues: [{ path: '', message: `Nest arrays and objects ${MAX_DEPTH} deep at most.` }],
    });
  }
  const issues = unseenFields(content);
  if (issues.length === 0) return content;
  throw invalidRequest(issues);
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal('invalid_request', `The body is not valid JSON: ${(cause as SyntaxError).message}.`, {
      cause,
      issues: [{ path: '', message: 'Send one JSON object.' }],
    });
  }
};

/** Schemas go into what is nested by calling themselves, for which the stack has an end. */
const MAX_DEPTH = 64;
const isDeeper = (value: unknown, most: number): boolean => {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
};

const parsed = (schema: z.ZodType, input: unknown): unknown => {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalidRequest(fieldIssues(result.error));
};

const idempotencyKeyFrom = (key: string | undefined, { idempotent }: Route): string | undefined => {
  if (key === undefined && idempotent === 'required') {
    throw new Refusal('invalid_request', 'This call needs an Idempotency-Key, so that it counts once.', {
      issues: [{ path: 'Idempotency-Key', message: 'Send a key that is this call’s own.' }],
    });
  }
  if (key === undefined || /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new Refusal('invalid_request', 'The Idempotency-Key is not valid.', {
    issues: [{ path: 'Idempotency-Key', message: 'Use 1 to 200 visible ASCII characters, without spaces.' }],
  });
};
