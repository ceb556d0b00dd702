import * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { Route } from './route.ts';
import { PROBLEM_ANSWER, ROUTES } from './routes.ts';

const PROBLEM = {
  description: PROBLEM_ANSWER.description,
  content: { 'application/problem+json': { schema: PROBLEM_ANSWER.schema } },
};

/** The API as an OpenAPI 3.1 document, from the same schemas that validate. */
export const openApiDocument = (): Record<string, unknown> => {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of ROUTES) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationObject(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Graphfleet', version: '1', description: 'Graphs for tenants: create, follow, query.' },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  }) as unknown as Record<string, unknown>;
};

const operationObject = (route: Route): ZodOpenApiOperationObject => ({
  operationId: route.function,
  summary: route.summary,
  security: [route.scope, route.operatorScope].flatMap((scope) => (scope ? [{ token: [scope] }] : [])),
  requestParams: {
    ...(hasFields(route.params) && { path: route.params }),
    ...(hasFields(route.query) && { query: route.query }),
    ...(route.idempotent && { header: route.idempotent === 'required' ? REQUIRED_KEY : IDEMPOTENCY_KEY }),
    ...(route.raw && { header: WEBHOOK_SIGNATURE }),
  },
  ...(hasFields(route.body) && {
    requestBody: {
      required: !route.body.safeParse({}).success,
      content: { 'application/json': { schema: route.body } },
    },
  }),
  responses: {
    ...Object.fromEntries(
      Object.entries(route.answers).map(([status, { description, schema, contentTypes = ['application/json'] }]) => [
        status,
        { description, ...(schema && { content: Object.fromEntries(contentTypes.map((type) => [type, { schema }])) }) },
      ]),
    ),
    default: PROBLEM,
  },
});

const Key = z.string().min(1).max(200);
const IDEMPOTENCY_KEY = z.object({
  'Idempotency-Key': Key.optional().meta({
    description: 'The same key with the same body is the same operation; with another body it is refused (422).',
  }),
});
const REQUIRED_KEY = z.object({
  'Idempotency-Key': Key.meta({
    description: 'The same key with the same body is done once; with another body it is refused (422).',
  }),
});

/** Standard Webhooks. */
const WEBHOOK_SIGNATURE = z.object({
  'webhook-id': z.string().meta({ description: 'The same for every delivery of an event.' }),
  'webhook-timestamp': z
    .string()
    .meta({ description: 'Seconds since 1970; refused (401) more than 5 minutes from now.' }),
  'webhook-signature': z.string().meta({
    description: 'Signatures over `<id>.<timestamp>.<body>`, separated by blanks; one of them has to be right.',
  }),
});

const hasFields = (schema: z.ZodType): schema is z.ZodObject =>
  schema instanceof z.ZodObject && Object.keys(schema.shape).length > 0;
