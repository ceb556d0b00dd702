import * as z from 'zod';
import { defineRoute, plain } from './define-route.ts';
import type { Route } from './route.ts';

export const getHealthRoute = defineRoute({
  ...plain,
  function: 'get-health',
  method: 'GET',
  path: '/v1/health',
  summary: 'Tell whether the API answers',
  scope: null,
  answers: { 200: { description: 'It does.', schema: z.strictObject({ status: z.literal('ok') }) } },
});

export const getOpenApiRoute = defineRoute({
  ...plain,
  function: 'get-open-api',
  method: 'GET',
  path: '/v1/openapi.json',
  summary: 'Get this document',
  scope: null,
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
});

export const SERVICE_ROUTES: readonly Route[] = [getHealthRoute, getOpenApiRoute];
