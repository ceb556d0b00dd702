import * as z from 'zod';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { OPERATION_STATUSES } from '../../domain/operation/operation.ts';
import { MOST_WAIT_MINUTES } from '../../domain/refresh/instance-refresh.ts';
import { INSTANCE_OUTCOMES, ON_BUSY, ON_DEADLINE } from '../../domain/refresh/refresh.ts';
import { Cursor, Limit, pageOf, Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { AcceptedView, OperationErrorView, OperationPath } from './operations.ts';
import type { Route } from './route.ts';

const Tier = z.enum(FLEET_TIERS);

const RefreshFleet = z
  .strictObject({
    tiers: z
      .array(Tier)
      .min(1)
      .max(FLEET_TIERS.length)
      .nullable()
      .default(null)
      .meta({ description: 'Null: those of the instances, or every tier.' }),
    instances: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(200)
      .nullable()
      .default(null)
      .meta({ description: 'These only. Null: every instance of the tiers that has not the wanted image.' }),
    maxWaitMinutes: z.int().min(0).max(MOST_WAIT_MINUTES).default(30).meta({
      description: 'How long each instance may finish its work, from the closing of its gate.',
    }),
    onBusy: z.enum(ON_BUSY).default('wait').meta({ description: 'What is done about an instance that has work.' }),
    onDeadline: z.enum(ON_DEADLINE).default('defer').meta({
      description:
        'What is done when it still has at the end of the wait: left to its work, cut off from it, or counted as a failure.',
    }),
    forceIgnoreBusy: z.boolean().default(false).meta({ description: 'Cuts off work at once; it is retried.' }),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .nullable()
      .default(null)
      .meta({ description: 'Asked for wherever work may be cut off.' }),
    forceRestart: z.boolean().default(false).meta({ description: 'Cycles also what has the wanted image.' }),
    maxConcurrent: z.int().min(1).max(50).default(1).meta({ description: 'Instances of a tier at once.' }),
    canary: z.int().min(0).max(50).default(1).meta({
      description: 'So many instances must have come up with an image before others are begun.',
    }),
    dryRun: z.boolean().default(false).meta({ description: 'Answers with the plan, and does nothing.' }),
  })
  .refine(
    ({ forceIgnoreBusy, onDeadline, reason }) => reason !== null || !(forceIgnoreBusy || onDeadline === 'force'),
    {
      path: ['reason'],
      message: 'is needed where work may be cut off (`forceIgnoreBusy`, or `onDeadline` "force"): say why',
    },
  )
  .refine(({ forceIgnoreBusy, onBusy }) => !forceIgnoreBusy || onBusy === 'wait', {
    path: ['onBusy'],
    message: 'contradicts `forceIgnoreBusy`; leave one of them out',
  })
  .meta({ id: 'RefreshFleet' });
export type RefreshFleet = z.input<typeof RefreshFleet>;

const Instance = {
  order: z.int().min(1),
  instanceId: z.string(),
  tier: Tier,
  canary: z.boolean(),
  fromImage: z.string(),
  toImage: z.string(),
};

const PlannedInstanceView = z.strictObject({
  ...Instance,
  action: z.enum(['cycle', 'unchanged', 'skip']),
  because: z.string().nullable().meta({ description: 'Why it is not to be cycled.' }),
  busyCount: z.int().min(0),
  leases: z.array(z.strictObject({ operationId: z.string(), kind: z.string(), acquiredAt: Timestamp })),
});

const RefreshPlanView = z
  .strictObject({
    total: z.int(),
    cycle: z.int(),
    busy: z.int().meta({ description: 'How many of those to be cycled have work now.' }),
    unchanged: z.int(),
    skip: z.int(),
    instances: z.array(PlannedInstanceView).meta({
      description: 'In the order in which they come; those that are idle when it is their turn come first.',
    }),
  })
  .meta({ id: 'RefreshPlan' });
export type RefreshPlanView = z.infer<typeof RefreshPlanView>;

export const refreshFleetRoute = defineRoute({
  ...plain,
  function: 'refresh-fleet',
  method: 'POST',
  path: '/v1/fleet/refreshes',
  summary: 'Roll the wanted images out: cycle instances, each when its work is done',
  scope: 'fleet:operate',
  body: RefreshFleet,
  idempotent: true,
  answers: {
    200: { description: 'The plan, for a dry run.', schema: RefreshPlanView },
    202: { description: 'Accepted; watch the operation.', schema: AcceptedView },
  },
});

const RefreshedInstanceView = z.strictObject({
  ...Instance,
  status: z.enum(['waiting', 'under_way', 'over']),
  operationId: z.string().nullable().meta({ description: 'The operation that refreshes it, once it was begun.' }),
  operationStatus: z.enum(OPERATION_STATUSES).nullable(),
  message: z.string().nullable().meta({ description: 'What the operation does, or what it came to.' }),
  since: Timestamp.nullable().meta({ description: 'When it was begun; null unless it is under way.' }),
  outcome: z.enum(INSTANCE_OUTCOMES).nullable(),
  waitedMs: z.int().min(0).nullable(),
  busyAtStart: z.int().min(0).nullable(),
  interrupted: z.array(z.string()),
  error: OperationErrorView.nullable(),
});
export type RefreshedInstanceView = z.infer<typeof RefreshedInstanceView>;

const RefreshedInstancePage = pageOf('instances', RefreshedInstanceView).meta({ id: 'RefreshedInstancePage' });

export const listRefreshedInstancesRoute = defineRoute({
  ...plain,
  function: 'list-refreshed-instances',
  method: 'GET',
  path: '/v1/fleet/refreshes/{operationId}/instances',
  summary: 'List the instances of a refresh in order: the plan, how far it is, and what became of it',
  scope: 'fleet:read',
  params: OperationPath,
  query: z.strictObject({ limit: Limit, cursor: Cursor }),
  answers: { 200: { description: 'As it is now; empty until it is planned.', schema: RefreshedInstancePage } },
});

export const REFRESH_ROUTES: readonly Route[] = [refreshFleetRoute, listRefreshedInstancesRoute];
