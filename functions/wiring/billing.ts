import { AccountLifecycle } from '../../domain/billing/account-lifecycle.ts';
import { DynamoAccountStore } from '../../domain/billing/dynamo-account-store.ts';
import { DynamoCreditDebtStore } from '../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../domain/billing/dynamo-credit-store.ts';
import { DynamoGraphQuota } from '../../domain/billing/dynamo-graph-quota.ts';
import { DynamoOrderStore } from '../../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../../domain/billing/dynamo-reminder-store.ts';
import { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Subscriptions } from '../../domain/billing/subscriptions.ts';
import { DynamoLetterStore } from '../../domain/letter/dynamo-letter-store.ts';
import { LetterBox } from '../../domain/letter/letter-box.ts';
import { applyBillingEvent } from '../requests/billing-event.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasRetention, HasWorkflows } from './environment.ts';
import { flagStore } from './flags.ts';
import { graphStore } from './graph.ts';
import { operationCommands, operationLog } from './operation.ts';
import { repositoryAccessStore } from './repository.ts';

export const accountStore = (environment: HasControlTable) => new DynamoAccountStore(table(environment));
export const creditStore = (environment: HasControlTable) => new DynamoCreditStore(table(environment));
/** Pools of credits, and what pools that are gone had spent. */
export const creditStores = (environment: HasControlTable) => ({
  credits: creditStore(environment),
  debts: new DynamoCreditDebtStore(table(environment)),
});
export const graphQuota = (environment: HasControlTable) => new DynamoGraphQuota(table(environment));
const orderStore = (environment: HasControlTable) => new DynamoOrderStore(table(environment));
export const reminderStore = (environment: HasControlTable) => new DynamoReminderStore(table(environment));
export const webhookStore = (environment: HasControlTable) => new DynamoLetterStore(table(environment), 'webhook');
export const paymentGate = (environment: HasControlTable) =>
  new PaymentGate(accountStore(environment), graphQuota(environment), flagStore(environment));

export const subscriptions = (environment: HasControlTable & HasWorkflows & HasRetention) =>
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

/** Events of the billing provider, and what does as they say. */
export const webhookInbox = (environment: HasControlTable & HasWorkflows & HasRetention) =>
  new LetterBox(webhookStore(environment), applyBillingEvent(subscriptions(environment)));
