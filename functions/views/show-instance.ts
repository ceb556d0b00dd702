import { Refusal } from '../../domain/failure.ts';
import type { InstanceStore } from '../../domain/fleet/instance.ts';
import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { instanceViews } from './fleet-view.ts';

/** Answers with an instance as it is. @throws {Refusal} `not_found` */
export const showInstance =
  (instances: Pick<InstanceStore, 'get'>, leases: Pick<LeaseStore, 'get'>) =>
  async (instanceId: string): Promise<ApiResponse> => {
    const instance = await instances.get(instanceId);
    if (instance === undefined) throw new Refusal('not_found', `There is no instance "${instanceId}".`);
    const [view] = await instanceViews([instance], leases);
    return { status: 200, body: view ?? {} };
  };
