import * as z from 'zod';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { MOST_WAIT_MINUTES } from '../../domain/refresh/instance-refresh.ts';
import { Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { InstanceView } from './fleet-routes.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const Reason = z.string().trim().min(1).max(200);
const InstancePath = z.strictObject({ instanceId: z.string().regex(/^[a-z][a-z0-9-]{0,60}$/) });
const instance = { 200: { description: 'The instance as it is then.', schema: InstanceView } };

export const getInstanceRoute = defineRoute({
  ...plain,
  function: 'get-instance',
  method: 'GET',
  path: '/v1/fleet/instances/{instanceId}',
  summary: 'Get an instance',
  scope: 'fleet:read',
  params: InstancePath,
  answers: instance,
});

export const drainInstanceRoute = defineRoute({
  ...plain,
  function: 'drain-instance',
  method: 'POST',
  path: '/v1/fleet/instances/{instanceId}/drain',
  summary: 'Close the gate of an instance: what is at work there ends, what would begin waits; queries go on',
  scope: 'fleet:operate',
  params: InstancePath,
  body: z.strictObject({ reason: Reason }).meta({ id: 'DrainInstance' }),
  answers: instance,
});

export const undrainInstanceRoute = defineRoute({
  ...plain,
  function: 'undrain-instance',
  method: 'POST',
  path: '/v1/fleet/instances/{instanceId}/undrain',
  summary: 'Open the gate again that an operator closed; what waits goes on',
  scope: 'fleet:operate',
  params: InstancePath,
  answers: instance,
});

export const retireInstanceRoute = defineRoute({
  ...plain,
  function: 'retire-instance',
  method: 'DELETE',
  path: '/v1/fleet/instances/{instanceId}',
  summary:
    'Take an instance out of the fleet: its work ends, its graphs get places on others, and its service is removed',
  scope: 'fleet:operate',
  params: InstancePath,
  query: z.strictObject({
    reason: Reason.default('Retired by an operator'),
    maxWaitMinutes: z.coerce.number().int().min(0).max(MOST_WAIT_MINUTES).default(60).meta({
      description: 'How long it may finish its work, from the closing of its gate; then its gate is opened again.',
    }),
  }),
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

const PausedTier = z.enum(FLEET_TIERS).nullable().meta({ description: 'Null: the whole fleet.' });
const PauseView = z
  .strictObject({ tier: PausedTier, owner: z.string(), reason: z.string(), until: Timestamp })
  .meta({ id: 'Pause' });

export const setPauseRoute = defineRoute({
  ...plain,
  function: 'set-pause',
  method: 'PUT',
  path: '/v1/fleet/pause',
  summary: 'Refuse new work on a tier, or on the whole fleet, until a declared end; what is under way goes on',
  scope: 'fleet:operate',
  body: z
    .strictObject({
      tier: PausedTier.default(null),
      until: z.iso.datetime().meta({ description: 'RFC 3339, UTC; in the future, and within a day.' }),
      reason: Reason,
    })
    .meta({ id: 'SetPause' }),
  answers: { 200: { description: 'The pause, which replaces the one before of the same tier.', schema: PauseView } },
});

export const listPausesRoute = defineRoute({
  ...plain,
  function: 'list-pauses',
  method: 'GET',
  path: '/v1/fleet/pause',
  summary: 'List the pauses that are in force',
  scope: 'fleet:read',
  answers: { 200: { description: 'Every pause that has not come to its end.', schema: z.array(PauseView) } },
});

export const endPauseRoute = defineRoute({
  ...plain,
  function: 'end-pause',
  method: 'DELETE',
  path: '/v1/fleet/pause',
  summary: 'End a pause before its time',
  scope: 'fleet:operate',
  query: z.strictObject({
    tier: z.enum(FLEET_TIERS).optional().meta({ description: "Without: the whole fleet's pause." }),
  }),
  answers: { 200: { description: 'The pauses that are in force then.', schema: z.array(PauseView) } },
});

export const GATE_ROUTES: readonly Route[] = [
  getInstanceRoute,
  drainInstanceRoute,
  undrainInstanceRoute,
  retireInstanceRoute,
  setPauseRoute,
  listPausesRoute,
  endPauseRoute,
];
