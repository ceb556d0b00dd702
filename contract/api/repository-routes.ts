import * as z from 'zod';
import { REPOSITORY_NAMES, REPOSITORY_PLANS, type RepositoryPlan } from '../../domain/repository/repository.ts';
import { ACCESS_STATUSES } from '../../domain/repository/repository-access.ts';
import { Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const RepositoryPath = z.strictObject({ repository: z.enum(REPOSITORY_NAMES) });
const Plan = z.enum(Object.keys(REPOSITORY_PLANS) as [RepositoryPlan, ...RepositoryPlan[]]);
const RequestAccess = z.strictObject({ plan: Plan.default('reader') }).meta({ id: 'RequestAccess' });

export const AccessView = z
  .strictObject({
    repository: z.enum(REPOSITORY_NAMES),
    plan: Plan,
    status: z.enum(ACCESS_STATUSES),
    graphId: z.string(),
    grantedAt: Timestamp,
    links: z.strictObject({ self: z.string(), graph: z.string(), query: z.string(), operation: z.string() }),
  })
  .meta({ id: 'RepositoryAccess' });
export type AccessView = z.infer<typeof AccessView>;

const access = { ...plain, path: '/v1/repositories/{repository}/access', params: RepositoryPath } as const;

export const requestAccessRoute = defineRoute({
  ...access,
  function: 'request-access',
  method: 'POST',
  summary: 'Ask for access to a shared repository',
  scope: 'graphs:write',
  body: RequestAccess,
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const getAccessRoute = defineRoute({
  ...access,
  function: 'get-access',
  method: 'GET',
  summary: 'Get the access to a shared repository; only an active one lets queries through',
  scope: 'graphs:read',
  answers: { 200: { description: 'The access.', schema: AccessView } },
});

export const endAccessRoute = defineRoute({
  ...access,
  function: 'end-access',
  method: 'DELETE',
  summary: 'Give up the access to a shared repository, and what is left of its credits',
  scope: 'graphs:write',
  audited: true,
  answers: { 204: { description: 'There is no access any more.' } },
});

export const REPOSITORY_ROUTES: readonly Route[] = [requestAccessRoute, getAccessRoute, endAccessRoute];
