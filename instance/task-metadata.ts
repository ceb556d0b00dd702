import * as z from 'zod';

/** ECS task metadata, version 4: the parts that tell a task who it is. */
const TaskMetadata = z.object({
  TaskARN: z.string(),
  ServiceName: z.string(),
  Containers: z
    .array(
      z.object({
        Image: z.string(),
        ImageID: z.string(),
        Networks: z.array(z.object({ IPv4Addresses: z.array(z.string()).min(1) })).min(1),
      }),
    )
    .min(1),
});

export type TaskIdentity = { instanceId: string; taskArn: string; address: string; image: string };

/** Who this task is: its service's name is the instance's id. */
export const readTaskIdentity = async (metadataUri: string): Promise<TaskIdentity> => {
  const response = await fetch(`${metadataUri}/task`, { signal: AbortSignal.timeout(5_000) });
  const { TaskARN, ServiceName, Containers } = TaskMetadata.parse(await response.json());
  const [container] = Containers;
  // What the task was asked to run. The id that the engine gives an image may be that of its configuration instead.
  const image = /@(?<digest>sha256:[0-9a-f]+)$/.exec(container?.Image ?? '')?.groups?.['digest'] ?? container?.ImageID;
  const address = container?.Networks[0]?.IPv4Addresses[0];
  if (image === undefined || address === undefined) throw new Error('The task metadata names no container address.');
  return { instanceId: ServiceName, taskArn: TaskARN, address, image };
};
