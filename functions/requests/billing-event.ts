import * as z from 'zod';
import {
  BILLING_EVENTS,
  BillingEventFacts,
  BillingEventOrder,
  type BillingEventType,
} from '../../contract/api/billing.ts';
import type { BillingFact, Subscriptions } from '../../domain/billing/subscriptions.ts';
import { invalidRequest, Refusal } from '../../domain/failure.ts';
import type { Apply } from '../../domain/letter/letter-box.ts';
import { fieldIssues, unseenFields } from './field-issues.ts';
import { graphRequestFrom } from './graph-request.ts';

const AnyEvent = z.looseObject({ type: z.string() });

/**
 * Does what an event of the billing provider says; one of a type that means nothing here is ignored.
 * @throws {Refusal} `invalid_request`: trying again does not help before something else is changed
 */
export const applyBillingEvent =
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
  if (issues.length > 0) return invalidRequest(issues, 'graph');
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

const invalid = (error: z.ZodError): Refusal => invalidRequest(fieldIssues(error), 'event');
