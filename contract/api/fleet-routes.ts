import * as z from 'zod';
import { CAPACITY_STATES } from '../../domain/fleet/capacity.ts';
import { INSTANCE_STATES } from '../../domain/fleet/instance.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { LEASE_KINDS } from '../../domain/lease/lease.ts';
import { Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const Tier = z.enum(FLEET_TIERS);

const CapacityView = z
  .strictObject({
    tier: Tier,
    state: z.enum(CAPACITY_STATES).meta({
      description:
        '`ready`: a graph finds a place now; `scalable`: when another instance is launched; `at_capacity`: when a place is freed.',
    }),
    waiting: z
      .int()
      .min(0)
      .meta({ description: 'How many operations wait for a place; 500 stands for as many or more.' }),
  })
  .meta({ id: 'Capacity' });

export const getCapacityRoute = defineRoute({
  ...plain,
  function: 'get-capacity',
  method: 'GET',
  path: '/v1/capacity',
  summary: 'Tell whether a tier has room for another graph, as of up to 2 s ago',
  scope: 'graphs:read',
  query: z.strictObject({ tier: Tier }),
  answers: { 200: { description: 'The capacity of the tier.', schema: CapacityView } },
});

export const InstanceView = z
  .strictObject({
    instanceId: z.string(),
    tier: Tier,
    state: z.enum(INSTANCE_STATES),
    quarantineReason: z.string().nullable(),
    busyCount: z.int().min(0),
    leases: z
      .array(z.strictObject({ operationId: z.string(), kind: z.enum(LEASE_KINDS), acquiredAt: Timestamp }))
      .meta({ description: 'The operations at work there, the oldest first.' }),
    used: z.int().min(0).meta({ description: 'Slots that graphs hold.' }),
    capacity: z.int().min(0),
    generation: z.int().min(1),
    image: z.string(),
    heartbeatAt: Timestamp,
    drain: z
      .strictObject({
        operationId: z.string().nullable().meta({ description: 'Null: an operator closed the gate by hand.' }),
        reason: z.string(),
        since: Timestamp,
      })
      .nullable(),
  })
  .meta({ id: 'Instance' });
export type InstanceView = z.infer<typeof InstanceView>;

export const listInstancesRoute = defineRoute({
  ...plain,
  function: 'list-instances',
  method: 'GET',
  path: '/v1/fleet/instances',
  summary: 'List the instances of the fleet',
  scope: 'fleet:read',
  query: z.strictObject({ tier: Tier.optional(), state: z.enum(INSTANCE_STATES).optional() }),
  answers: { 200: { description: 'Every instance that is asked for.', schema: z.array(InstanceView) } },
});

export const launchInstanceRoute = defineRoute({
  ...plain,
  function: 'launch-instance',
  method: 'POST',
  path: '/v1/fleet/instances',
  summary: 'Launch one more instance of a tier; refused when it has its maximum',
  scope: 'fleet:operate',
  body: z.strictObject({ tier: Tier }).meta({ id: 'LaunchInstance' }),
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

const IMAGE = /^sha256:[0-9a-f]{64}$/;

const TierView = z
  .strictObject({
    tier: Tier,
    minInstances: z.int(),
    maxInstances: z.int(),
    capacity: z.int(),
    approval: z.boolean(),
    image: z.string().nullable().meta({
      description: 'Digest of the image that its instances are to run. Null: none was ever launched, or named.',
    }),
  })
  .meta({ id: 'Tier' });
export type TierView = z.infer<typeof TierView>;

export const listTiersRoute = defineRoute({
  ...plain,
  function: 'list-tiers',
  method: 'GET',
  path: '/v1/fleet/tiers',
  summary: 'List what is wanted of each tier',
  scope: 'fleet:read',
  answers: { 200: { description: 'Every tier.', schema: z.array(TierView) } },
});

const MOST_INSTANCES = 1_000;
const SetTier = z
  .strictObject({
    minInstances: z.int().min(0).max(MOST_INSTANCES).optional(),
    maxInstances: z.int().min(0).max(MOST_INSTANCES).optional(),
    capacity: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'Graphs that one instance holds; counts for instances that start from now on.' }),
    approval: z.boolean().optional().meta({ description: 'Whether an operator must agree to each graph.' }),
    image: z.string().regex(IMAGE).optional().meta({
      description:
        'Digest of the image that instances are to run, of the repository that was deployed; a refresh rolls it out.',
    }),
  })
  // One that is set alone is compared with the other when it is written.
  .refine(({ minInstances = 0, maxInstances = MOST_INSTANCES }) => minInstances <= maxInstances, {
    path: ['minInstances'],
    message: 'is more than maxInstances',
  })
  .meta({ id: 'SetTier', description: 'A field that is left out stays as it is.' });

export const setTierRoute = defineRoute({
  ...plain,
  function: 'set-tier',
  method: 'PUT',
  path: '/v1/fleet/tiers/{tier}',
  summary: 'Set what is wanted of a tier, all or some of it; what it lacks then is launched',
  scope: 'fleet:operate',
  params: z.strictObject({ tier: Tier }),
  body: SetTier,
  answers: { 200: { description: 'What is wanted of the tier now.', schema: TierView } },
});

export const FLEET_ROUTES: readonly Route[] = [
  getCapacityRoute,
  listInstancesRoute,
  launchInstanceRoute,
  listTiersRoute,
  setTierRoute,
];
