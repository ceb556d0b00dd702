import * as z from 'zod';
import { SUBSCRIPTION_STATUSES } from '../../domain/billing/subscription.ts';
import { pageOf, Timestamp } from './common.ts';
import { CreateGraph } from './graphs.ts';

const SubscriptionId = z.string().regex(/^[\w.:-]{1,100}$/);

const SubscriptionFacts = z.object({
  subscriptionId: SubscriptionId,
  // As the authorizer takes it from a token.
  tenantId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  plan: z.string().min(1).max(64),
  periodEnd: Timestamp.nullable()
    .default(null)
    .meta({ description: 'Until when it is paid for. A canceled subscription without one has ended.' }),
});

/** The events of the billing provider that mean something here, with the standing that each gives a subscription. */
export const BILLING_EVENTS = {
  'checkout.completed': 'live',
  'subscription.created': 'live',
  // What changes is the plan and the period; whether it is paid for, other events say.
  'subscription.updated': null,
  'subscription.canceled': 'canceled',
  'invoice.paid': 'live',
  'invoice.payment_failed': 'past_due',
} as const;
export type BillingEventType = keyof typeof BILLING_EVENTS;

const types = Object.keys(BILLING_EVENTS) as [BillingEventType, ...BillingEventType[]];

/** What every event says. Not strict: providers add fields as they grow. */
export const BillingEventFacts = z.object({
  type: z.enum(types),
  timestamp: z.iso.datetime({ offset: true }).meta({ description: 'When it happened; events may come in any order.' }),
  data: SubscriptionFacts,
});

/** The graph that was bought. */
export const BillingEventOrder = z.object({
  data: z.object({
    graph: CreateGraph.optional().meta({ description: 'The graph that was bought. The first one that comes counts.' }),
  }),
});

/** An event as the provider sends it. */
export const BillingEvent = BillingEventFacts.extend({
  data: SubscriptionFacts.extend(BillingEventOrder.shape.data.shape),
}).meta({ id: 'BillingEvent' });

export const SubscriptionPath = z.strictObject({ subscriptionId: SubscriptionId });

export const SubscriptionView = z
  .strictObject({
    subscriptionId: z.string(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    plan: z.string().nullable(),
    periodEnd: Timestamp.nullable(),
    graphId: z.string().nullable(),
    operationId: z.string().nullable().meta({ description: 'The newest operation that provisions its graph.' }),
    reason: z.string().nullable().meta({ description: 'Why provisioning failed; POST …/provision tries again.' }),
  })
  .meta({ id: 'Subscription' });
export type SubscriptionView = z.infer<typeof SubscriptionView>;

export const SubscriptionList = z.strictObject({ subscriptions: z.array(SubscriptionView) });

export const CreditsView = z
  .strictObject({ graphId: z.string(), allocated: z.int(), balance: z.int().min(0) })
  .meta({ id: 'Credits' });

export const ConsumeCredits = z
  .strictObject({ amount: z.int().min(1).max(1_000_000), reason: z.string().trim().min(1).max(200) })
  .meta({ id: 'ConsumeCredits' });

/** What dead letters are about: events of the billing provider, or lineage that could not be reported. */
const DeadLetterKind = z.enum(['webhook', 'lineage']).default('webhook');
export const DeadLetterQuery = z.strictObject({ kind: DeadLetterKind });

export const DeadLetterPath = z.strictObject({ deadLetterId: z.string().regex(/^[\w.:-]{1,200}$/) });

export const DeadLetterView = z
  .strictObject({
    deadLetterId: z.string().meta({ description: "The event's `webhook-id`; of lineage: `<operation>.<event type>`." }),
    state: z.string(),
    attempts: z.int(),
    reason: z.string().nullable(),
    receivedAt: Timestamp,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetterView = z.infer<typeof DeadLetterView>;

export const DeadLetterPage = pageOf('deadLetters', DeadLetterView).meta({ id: 'DeadLetterPage' });
