import * as z from 'zod';
import { FeatureFlags } from '../../domain/flags/feature-flags.ts';
import {
  BillingEvent,
  ConsumeCredits,
  CreditsView,
  DeadLetterPage,
  DeadLetterPath,
  DeadLetterQuery,
  DeadLetterView,
  SubscriptionList,
  SubscriptionPath,
} from './billing.ts';
import { Cursor, Limit } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

export const receiveBillingEventRoute = defineRoute({
  ...plain,
  function: 'receive-billing-event',
  method: 'POST',
  path: '/v1/billing/webhook',
  summary: 'Take an event of the billing provider, signed by the Standard Webhooks specification',
  scope: null,
  body: BillingEvent,
  raw: true,
  answers: {
    202: { description: 'Kept; what follows from it is done.', schema: z.strictObject({ eventId: z.string() }) },
  },
});

export const listSubscriptionsRoute = defineRoute({
  ...plain,
  function: 'list-subscriptions',
  method: 'GET',
  path: '/v1/billing/subscriptions',
  summary: "List the tenant's subscriptions",
  scope: 'graphs:read',
  answers: { 200: { description: 'All of them.', schema: SubscriptionList } },
});

export const provisionSubscriptionRoute = defineRoute({
  ...plain,
  function: 'provision-subscription',
  method: 'POST',
  path: '/v1/billing/subscriptions/{subscriptionId}/provision',
  summary: 'Provision the graph of a subscription whose provisioning failed',
  scope: 'graphs:write',
  audited: true,
  params: SubscriptionPath,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const getCreditsRoute = defineRoute({
  ...plain,
  function: 'get-credits',
  method: 'GET',
  path: '/v1/graphs/{graphId}/credits',
  summary: "Get a graph's credits",
  scope: 'graphs:read',
  params: GraphPath,
  answers: { 200: { description: 'The pool.', schema: CreditsView } },
});

export const consumeCreditsRoute = defineRoute({
  ...plain,
  function: 'consume-credits',
  method: 'POST',
  path: '/v1/graphs/{graphId}/credits/consumptions',
  summary: 'Consume credits of a graph; its Idempotency-Key is known for a day',
  scope: 'graphs:write',
  audited: true,
  params: GraphPath,
  body: ConsumeCredits,
  idempotent: 'required',
  answers: { 200: { description: 'The pool as it is then.', schema: CreditsView } },
});

export const listDeadLettersRoute = defineRoute({
  ...plain,
  function: 'list-dead-letters',
  method: 'GET',
  path: '/v1/dead-letters',
  summary: 'List the events that could not be processed or delivered, oldest first',
  scope: 'fleet:read',
  query: DeadLetterQuery.extend({ limit: Limit, cursor: Cursor }),
  answers: { 200: { description: 'A page of dead letters.', schema: DeadLetterPage } },
});

export const redriveDeadLetterRoute = defineRoute({
  ...plain,
  function: 'redrive-dead-letter',
  method: 'POST',
  path: '/v1/dead-letters/{deadLetterId}/redrive',
  summary: 'Try a dead letter again, once',
  scope: 'fleet:operate',
  params: DeadLetterPath,
  query: DeadLetterQuery,
  answers: { 200: { description: 'The event as that left it.', schema: DeadLetterView } },
});

export const getFlagsRoute = defineRoute({
  ...plain,
  function: 'get-flags',
  method: 'GET',
  path: '/v1/fleet/flags',
  summary: 'Get the feature flags of the stage',
  scope: 'fleet:read',
  answers: { 200: { description: 'All flags.', schema: FeatureFlags } },
});

export const setFlagsRoute = defineRoute({
  ...plain,
  function: 'set-flags',
  method: 'PUT',
  path: '/v1/fleet/flags',
  summary: 'Switch feature flags; every function knows it within 10 seconds',
  scope: 'fleet:operate',
  body: FeatureFlags,
  answers: { 200: { description: 'All flags as they are now.', schema: FeatureFlags } },
});

/** The routes of billing, and of the flags that gate it. */
export const BILLING_ROUTES: readonly Route[] = [
  receiveBillingEventRoute,
  listSubscriptionsRoute,
  provisionSubscriptionRoute,
  getCreditsRoute,
  consumeCreditsRoute,
  listDeadLettersRoute,
  redriveDeadLetterRoute,
  getFlagsRoute,
  setFlagsRoute,
];
