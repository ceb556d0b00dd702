import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListTasksCommand,
  StopTaskCommand,
  type Task,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import * as z from 'zod';
import { type Loopback, listenOnLoopback } from '../../local/loopback.ts';
import { signedFor } from './signed-for.ts';

const MAIN = fileURLToPath(new URL('../../instance/main.ts', import.meta.url));
const END_WITH_PARENT = new URL('../../local/ecs/end-with-parent.ts', import.meta.url).href;
const LOOK_AGAIN_MS = 250;
const STOP_MS = 30_000;

const TaskProtection = z.object({ ProtectionEnabled: z.boolean(), ExpiresInMinutes: z.int().optional() });

export type InstanceTasksOptions = {
  /** Of the emulator. */
  readonly endpoint: string;
  /** What the SDK of an instance needs to find it; its credentials it asks for. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where instances work and log. */
  readonly directory: string;
};

/** A task that runs here, and the role of its definition. */
type RunningTask = { readonly task: Task; readonly roleArn: string };

/**
 * Runs the tasks of the emulator's ECS. Without Docker it has tasks that are `RUNNING` and runs nothing; here each is a
 * process of the instance with the environment of its own task definition, and what Fargate gives a task: its metadata,
 * the credentials of its role, an agent that takes its protection, another task when it has ended.
 */
export class InstanceTasks {
  readonly #options: InstanceTasksOptions;
  readonly #client: ECSClient;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #tasks = new Map<string, RunningTask>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  #agent: Loopback | undefined;
  readonly #closing = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  private constructor(options: InstanceTasksOptions) {
    this.#options = options;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    this.#client = new ECSClient({ endpoint: options.endpoint, region: 'us-east-1', credentials });
  }

  static async start(options: InstanceTasksOptions): Promise<InstanceTasks> {
    const tasks = new InstanceTasks(options);
    tasks.#agent = await listenOnLoopback(tasks.#server);
    tasks.#watching = tasks.#watch();
    return tasks;
  }

  /** Ends every process that it started. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
    await Promise.all([...this.#processes.keys()].map((arn) => this.#end(arn)));
    await this.#agent?.close();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        if (!signal.aborted) process.stderr.write(`The emulator's tasks can not be seen: ${String(error)}\n`);
      }
      await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Starts a process for each task that has none, and ends those of tasks that are to stop. */
  async #look(): Promise<void> {
    const running = new Set<string>();
    const { clusterArns = [] } = await this.#client.send(new ListClustersCommand({}));
    for (const cluster of clusterArns) {
      const { taskArns = [] } = await this.#client.send(new ListTasksCommand({ cluster, desiredStatus: 'RUNNING' }));
      for (const arn of taskArns) running.add(arn);
      const added = taskArns.filter((arn) => !this.#processes.has(arn));
      if (added.length === 0) continue;
      const { tasks = [] } = await this.#client.send(new DescribeTasksCommand({ cluster, tasks: added }));
      for (const task of tasks) await this.#start(task);
    }
    for (const arn of this.#processes.keys()) if (!running.has(arn)) void this.#end(arn);
  }

  async #start(task: Task): Promise<void> {
    const arn = task.taskArn ?? '';
    const { taskDefinition } = await this.#client.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: task.taskDefinitionArn }),
    );
    const variables = taskDefinition?.containerDefinitions?.[0]?.environment ?? [];
    if (!variables.some(({ name }) => name === 'INSTANCE_TIER')) return;
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    const directory = join(this.#options.directory, name);
    await mkdir(directory, { recursive: true });
    const agent = `${this.#agent?.url}/${name}`;
    this.#tasks.set(name, { task, roleArn: taskDefinition?.taskRoleArn ?? '' });
    const child = spawn(process.execPath, ['--import', END_WITH_PARENT, MAIN], {
      cwd: directory,
      env: {
        PATH: process.env['PATH'],
        ...this.#options.environment,
        ...Object.fromEntries(variables.map(({ name: key, value }) => [key, value])),
        // Tasks have a network interface each; processes share this one.
        LISTEN_HOST: '127.0.0.1',
        LISTEN_PORT: '0',
        WORK_DIRECTORY: directory,
        ECS_CONTAINER_METADATA_URI_V4: agent,
        ECS_AGENT_URI: agent,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent}/credentials`,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const log = createWriteStream(join(this.#options.directory, `${name}.log`));
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    this.#processes.set(arn, child);
    child.once('exit', () => {
      if (this.#closing.signal.aborted) return;
      // The scheduler starts another in its place, if the service still wants one.
      const stopped = { cluster: task.clusterArn, task: arn, reason: 'Essential container in task exited' };
      this.#client.send(new StopTaskCommand(stopped)).catch(() => {});
    });
  }

  async #end(arn: string): Promise<void> {
    const child = this.#processes.get(arn);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const killing = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(killing);
  }

  /** What a task asks its agent: who it is, and not to be stopped. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = '', ...path] = (request.url ?? '').split('/');
    const running = this.#tasks.get(name);
    if (running === undefined) return void response.writeHead(404).end();
    const { task, roleArn } = running;
    response.setHeader('content-type', 'application/json');
    if (path.length === 0) return void response.end(JSON.stringify(containerMetadataOf(task)));
    if (path.join('/') === 'task') return void response.end(JSON.stringify(metadataOf(task)));
    if (path.join('/') === 'credentials') {
      return void response.end(JSON.stringify(await assumeRole(this.#options.endpoint, roleArn)));
    }
    const { ProtectionEnabled, ExpiresInMinutes } = TaskProtection.parse(await bodyOf(request));
    const { protectedTasks } = await this.#client.send(
      new UpdateTaskProtectionCommand({
        cluster: task.clusterArn,
        tasks: [task.taskArn ?? ''],
        protectionEnabled: ProtectionEnabled,
        expiresInMinutes: ExpiresInMinutes,
      }),
    );
    response.end(JSON.stringify({ protection: protectedTasks?.[0] }));
  }
}

/** The task metadata endpoint, version 4: what an instance reads of it. */
const metadataOf = ({ taskArn, group }: Task): object => ({
  TaskARN: taskArn,
  ServiceName: group?.replace(/^service:/, ''),
});

/** The same of its container. */
const containerMetadataOf = ({ containers }: Task): object => ({
  Image: containers?.[0]?.image,
  ImageID: '',
  Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['127.0.0.1'] }],
});

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks = await request.toArray();
  return JSON.parse(Buffer.concat(chunks as Buffer[]).toString());
};

/** The credentials of a role, as a task is given them. */
const assumeRole = async (endpoint: string, RoleArn: string): Promise<object> => {
  const call = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', RoleArn, RoleSessionName: 'task' });
  const response = await fetch(endpoint, { method: 'POST', body: call, headers: { authorization: signedFor('sts') } });
  const answer = await response.text();
  const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1];
  if (!response.ok) throw new Error(`The role of a task can not be assumed: ${answer}`);
  return {
    RoleArn,
    AccessKeyId: field('AccessKeyId'),
    SecretAccessKey: field('SecretAccessKey'),
    Token: field('SessionToken'),
    Expiration: field('Expiration'),
  };
};
