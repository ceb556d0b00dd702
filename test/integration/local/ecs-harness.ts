import { fileURLToPath } from 'node:url';
import {
  type ContainerDefinition,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type Tag,
  waitUntilServicesStable,
} from '@aws-sdk/client-ecs';
import { onTestFinished } from 'vitest';
import type { Image } from '../../../local/ecs/image.ts';
import { startEcs, type TaskEvent } from '../../../local/ecs/start-ecs.ts';
import { startReporter } from './reporter.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export const image = 'graphfleet/instance@sha256:aaa';
export const newerImage = 'graphfleet/instance@sha256:bbb';
const INSTANCE = fileURLToPath(new URL('./fixtures/instance.ts', import.meta.url));
const DIGESTS: Record<string, string> = { [image]: 'sha256:aaa', [newerImage]: 'sha256:bbb' };
const region = 'eu-west-1';
const accountId = '000000000000';

export const clientOf = (endpoint: string): ECSClient => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new ECSClient({ endpoint, region, credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
};

/** The two images that there are, both of them this module. */
export const imagesOf =
  (entry: string) =>
  (reference: string): Image | undefined => {
    const digest = DIGESTS[reference];
    return digest === undefined ? undefined : { entry, digest };
  };

/** A supervisor with a reporter, in a directory that a second one can go on in. */
export const startHarness = async (behaviour = 'runs', directory?: string, images = imagesOf(INSTANCE)) => {
  const reporter = await startReporter();
  const where = directory ?? (await temporaryDirectory());
  const events: TaskEvent[] = [];
  let wake = () => {};
  const ecs = await startEcs({
    port: 0,
    directory: where,
    images,
    region,
    accountId,
    environment: { REPORTER_PORT: String(reporter.port), BEHAVIOUR: behaviour },
    onTaskEvent: (event) => {
      events.push(event);
      wake();
    },
  });
  onTestFinished(() => ecs.close());
  /** Resolves with the nth event of a kind, the first is 1. */
  const event = async (kind: TaskEvent['event'], nth = 1): Promise<TaskEvent> => {
    for (;;) {
      const found = events.filter((one) => one.event === kind)[nth - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { ...ecs, directory: where, client: clientOf(ecs.url), report: reporter.next, events, event };
};

export const register = (client: ECSClient, more: Partial<ContainerDefinition> = {}, tags?: Tag[]) =>
  client.send(
    new RegisterTaskDefinitionCommand({
      family: 'graphfleet-standard',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      ...(tags && { tags }),
      containerDefinitions: [
        {
          name: 'instance',
          image,
          essential: true,
          environment: [{ name: 'INSTANCE_TIER', value: 'standard' }],
          ...more,
        },
      ],
    }),
  );

const serviceOfOneTask: CreateServiceCommandInput = {
  cluster: 'fleet',
  serviceName: 'inst-1',
  taskDefinition: 'graphfleet-standard',
  desiredCount: 1,
  launchType: 'FARGATE',
  deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
  networkConfiguration: {
    awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: [], assignPublicIp: 'DISABLED' },
  },
};

export const create = (client: ECSClient, more: Partial<CreateServiceCommandInput> = {}) =>
  client.send(new CreateServiceCommand({ ...serviceOfOneTask, ...more }));

/** A process is started meanwhile; by default a poll gives up after a second. */
export const PATIENTLY = { timeout: 20_000 };

/** The SDK's own waiter, quick. */
export const stable = (client: ECSClient) =>
  waitUntilServicesStable(
    { client, maxWaitTime: 20, minDelay: 0.02, maxDelay: 0.05 },
    { cluster: 'fleet', services: ['inst-1'] },
  );
