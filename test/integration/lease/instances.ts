import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import type { InstancePlace, InstanceRegistration } from '../../../domain/fleet/instance.ts';

export const AT = '2026-01-01T12:00:00.000Z';

/** An instance that a task has registered, idle. */
export const registerInstance = async (
  table: ControlTableClient,
  own: Partial<InstanceRegistration> & { instanceId: string },
): Promise<InstancePlace> => {
  const registration: InstanceRegistration = {
    tier: 'standard',
    endpoint: 'http://127.0.0.1:1',
    image: 'sha256:one',
    taskArn: 'task-1',
    capacity: 10,
    generation: 1,
    ...own,
  };
  await new DynamoInstanceStore(table).register(registration, AT);
  return { instanceId: registration.instanceId, tier: registration.tier };
};
