import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '../../contract/functions.ts';
import { BUCKET_PERMISSIONS, type BucketPermission } from '../../lib/data/snapshot-bucket.ts';
import { TABLE_PERMISSIONS, type TablePermission } from '../../lib/data/table-permissions.ts';
import { FLEET_PERMISSIONS, type FleetPermission } from '../../lib/fleet/instance-fleet.ts';
import { API_FUNCTIONS } from '../../lib/service/api-functions.ts';
import { permissionsOfPipeline, type Row } from '../../lib/service/function-table.ts';
import { RECONCILE_FUNCTIONS } from '../../lib/service/reconcile-functions.ts';
import { ACTS_OF_AWS, type ActedInByAws, SELDOM, SHARED_WORK, type SharedWork } from '../../lib/service/seldom.ts';
import { STEP_FUNCTIONS } from '../../lib/service/step-functions.ts';
import type { Grant } from './grants.ts';

const ROWS: Readonly<Record<string, Row>> = { ...API_FUNCTIONS, ...STEP_FUNCTIONS, ...RECONCILE_FUNCTIONS };

const ACTIONS_OF: Readonly<Record<string, string>> = {
  wakesWorkflows: 'states:SendTaskSuccess',
  startsWorkflows: 'states:StartExecution',
};

/** Every permission with what it is for, as grants have it; a name that is two permissions' stands for both. */
type Reach = (grant: Grant) => boolean;
const reachOf = (name: string): Reach => {
  const only = name.includes(':') ? name : ACTIONS_OF[name];
  if (only !== undefined) return ({ action }) => action === only;
  const table = TABLE_PERMISSIONS[name as TablePermission];
  const bucket = BUCKET_PERMISSIONS[name as BucketPermission];
  const fleet = FLEET_PERMISSIONS[name as FleetPermission];
  const actionsInFleet = fleet === undefined ? [] : [...fleet.services, ...fleet.tasks, ...fleet.definitions];
  const more = fleet?.tasks.length ? ['ecs:ListTasks'] : [];
  return (grant) =>
    (table !== undefined && reachesItems(table, grant)) ||
    (bucket !== undefined &&
      ((([...bucket.onObjects] as string[]).includes(grant.action) && grant.resource.endsWith(`/${bucket.of}/*`)) ||
        ([...bucket.onBucket] as string[]).includes(grant.action))) ||
    [...actionsInFleet, ...more].includes(grant.action);
};

const reachesItems = ({ actions, items, index }: (typeof TABLE_PERMISSIONS)[TablePermission], grant: Grant): boolean =>
  actions.some((action) => grant.action === `dynamodb:${action}`) &&
  grant.items === items &&
  (index === null ? !grant.resource.includes('/index/') : grant.resource.endsWith(`/index/${index}`));

/** Why a role may do what it did not do; undefined: nobody said why. */
export const excuseOf = (grant: Grant, used: ReadonlySet<Grant>): string | undefined =>
  actsOfAwsIn(grant.role)[grant.action] ?? readingOf(grant, used) ?? sharedWorkOf(grant, used) ?? seldomOf(grant);

/** What AWS does in a role: why, by action. */
export const actsOfAwsIn = (role: string): Readonly<Record<string, string>> => {
  const [whose = '', name = ''] = role.split('/');
  const { reachesInstances = false }: Partial<FunctionDefinition> = FUNCTIONS[name as FunctionName] ?? {};
  return {
    ...ACTS_OF_AWS[whose as ActedInByAws],
    ...(whose === 'function' && reachesInstances && ACTS_OF_AWS['function in the network']),
  };
};

/** Getting an item and asking for those of a kind are one right: to read them. */
const READING = ['dynamodb:GetItem', 'dynamodb:Query'];
const readingOf = ({ role, action, resource, items }: Grant, used: ReadonlySet<Grant>): string | undefined => {
  const reads =
    READING.includes(action) &&
    [...used].some(
      (other) =>
        other.role === role && READING.includes(other.action) && other.resource === resource && other.items === items,
    );
  return reads ? 'It reads items of this kind.' : undefined;
};

const sharedWorkOf = (grant: Grant, used: ReadonlySet<Grant>): string | undefined => {
  for (const work of SHARED_WORK.filter((candidate) => does(grant.role, candidate) && isPart(candidate, grant))) {
    if ([...used].some((other) => isSame(other, grant) && does(other.role, work))) return work.why;
    const seldom = Object.entries(work.seldom ?? {}).find(([permission]) => reachOf(permission)(grant));
    if (seldom !== undefined) return seldom[1];
  }
  return undefined;
};

const isSame = (one: Grant, other: Grant): boolean =>
  one.action === other.action && one.items === other.items && one.resource === other.resource;

const nameOf = (role: string): string => role.replace('function/', '');

const does = (role: string, { may, folder, wakesWorkflows, startsWorkflows }: SharedWork): boolean => {
  const row = ROWS[nameOf(role)];
  if (row === undefined || (folder === 'api' && !(nameOf(role) in API_FUNCTIONS))) return false;
  const all: readonly TablePermission[] = [...row.may, ...permissionsOfPipeline(nameOf(role) as FunctionName)];
  return (
    may.every((permission) => all.includes(permission)) &&
    (!wakesWorkflows || row.wakesWorkflows === true) &&
    (!startsWorkflows || row.mayInWorkflows !== undefined)
  );
};

const isPart = ({ may, wakesWorkflows, startsWorkflows }: SharedWork, grant: Grant): boolean =>
  may.some((permission) => reachOf(permission)(grant)) ||
  (wakesWorkflows === true && reachOf('wakesWorkflows')(grant)) ||
  (startsWorkflows === true && reachOf('startsWorkflows')(grant));

const seldomOf = (grant: Grant): string | undefined =>
  reasonsOf(grant.role).find(([permission]) => reachOf(permission)(grant))?.[1];

const reasonsOf = (role: string): [permission: string, reason: string][] =>
  Object.entries(SELDOM[nameOf(role) as FunctionName] ?? {}).map(([permission, reason = '']) => [permission, reason]);

/** The reasons that are for nothing: no grant of the role is what they are about. */
export const idleReasons = (grants: readonly Grant[]): string[] =>
  Object.keys(SELDOM).flatMap((name) => {
    const own = grants.filter(({ role }) => nameOf(role) === name);
    return reasonsOf(name)
      .filter(([permission]) => !own.some(reachOf(permission)))
      .map(([permission]) => `${name} ${permission}`);
  });
