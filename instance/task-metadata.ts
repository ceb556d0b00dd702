import * as z from 'zod';

/** ECS task metadata, version 4: the parts that tell a task who it is, and what they tell a container of itself. */
const TaskMetadata = z.object({ TaskARN: z.string(), ServiceName: z.string() });
const ContainerMetadata = z.object({
  Image: z.string(),
  ImageID: z.string(),
  Networks: z.tuple([z.object({ IPv4Addresses: z.tuple([z.string()], z.string()) })], z.unknown()),
});

export type TaskIdentity = { instanceId: string; taskArn: string; address: string; image: string };

/** Who this task is: its service's name is the instance's id. */
export const readTaskIdentity = async (metadataUri: string): Promise<TaskIdentity> => {
  // Its container is not asked of the task: AWS puts others into that list, on EC2 hosts before it.
  const [task, container] = await Promise.all([read(`${metadataUri}/task`), read(metadataUri)]);
  const { TaskARN, ServiceName } = TaskMetadata.parse(task);
  const { Image, ImageID, Networks } = ContainerMetadata.parse(container);
  // What the task was asked to run. The id that the engine gives an image may be that of its configuration instead.
  const image = /@(?<digest>sha256:[0-9a-f]+)$/.exec(Image)?.groups?.['digest'] ?? ImageID;
  return { instanceId: ServiceName, taskArn: TaskARN, address: Networks[0].IPv4Addresses[0], image };
};

const read = async (uri: string): Promise<unknown> => (await fetch(uri, { signal: AbortSignal.timeout(5_000) })).json();
