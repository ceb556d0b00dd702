import * as z from 'zod';
import {
  BILLING_EVENTS,
  BillingEventFacts,
  BillingEventOrder,
  type BillingEventType,
} from '../contract/api/billing.ts';
import { AccountLifecycle } from '../domain/billing/account-lifecycle.ts';
import { type BillingFact, Subscriptions } from '../domain/billing/subscriptions.ts';
import { Refusal } from '../domain/failure.ts';
import { type Apply, LetterBox } from '../domain/letter/letter-box.ts';
import { graphRequestFrom } from './api/graph-request.ts';
import {
  accountStore,
  creditStores,
  graphStore,
  operationCommands,
  operationLog,
  orderStore,
  reminderStore,
  repositoryAccessStore,
  webhookStore,
} from './dependencies.ts';
import { fieldIssues, unseenFields } from './pipeline/field-issues.ts';

type Environment = { CONTROL_TABLE_NAME: string; STATE_MACHINE_ARN_PREFIX: string; RETENTION_DAYS: number };

export const subscriptions = (environment: Environment) =>
  new Subscriptions({
    accounts: accountStore(environment),
    orders: orderStore(environment),
    reminders: reminderStore(environment),
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    lifecycle: new AccountLifecycle({
      accounts: accountStore(environment),
      reminders: reminderStore(environment),
      graphs: graphStore(environment),
      accesses: repositoryAccessStore(environment),
      ...creditStores(environment),
      commands: operationCommands(environment),
      retentionDays: environment.RETENTION_DAYS,
    }),
    retentionDays: environment.RETENTION_DAYS,
  });

export const webhookInbox = (environment: Environment) =>
  new LetterBox(webhookStore(environment), applyBillingEvent(subscriptions(environment)));

const AnyEvent = z.looseObject({ type: z.string() });

/**
 * Does what an event of the billing provider says; one of a type that means nothing here is ignored.
 * @throws {Refusal} `invalid_request`: trying again does not help before something else is changed
 */
const applyBillingEvent =
  (billing: Subscriptions): Apply =>
  async ({ eventId, text }) => {
    const event = AnyEvent.safeParse(jsonOf(text));
    if (event.success && !Object.hasOwn(BILLING_EVENTS, event.data.type)) return 'ignored';
    const facts = BillingEventFacts.safeParse(event.data);
    if (!facts.success) throw invalid(facts.error);
    const { type, timestamp, data } = facts.data;
    const order = orderIn(event.data, type);
    await billing.record({ ...data, eventId, at: timestamp, status: BILLING_EVENTS[type], order });
    // Recorded all the same: the tenant sees why its graph does not come.
    if (order instanceof Refusal) throw order;
    return 'processed';
  };

const WITHOUT_GRAPH: Partial<Record<BillingEventType, 'none'>> = { 'checkout.completed': 'none' };

const orderIn = (event: unknown, type: BillingEventType): BillingFact['order'] => {
  const parsed = BillingEventOrder.safeParse(event);
  if (!parsed.success) return invalid(parsed.error);
  const issues = unseenFields((event as z.input<typeof BillingEventOrder>).data.graph);
  if (issues.length > 0) {
    return new Refusal('invalid_request', `The graph is not valid: ${issues[0]?.path}: ${issues[0]?.message}`, {
      issues,
    });
  }
  const { graph } = parsed.data.data;
  if (graph === undefined) return WITHOUT_GRAPH[type] ?? null;
  try {
    return graphRequestFrom(graph);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal('invalid_request', 'The event is not valid JSON.', { cause });
  }
};

const invalid = (error: z.ZodError): Refusal => {
  const issues = fieldIssues(error);
  return new Refusal('invalid_request', `The event is not valid: ${issues[0]?.path}: ${issues[0]?.message}`, {
    issues,
  });
};
