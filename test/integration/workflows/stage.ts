import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import {
  DeleteServiceCommand,
  ECSClient,
  ServiceNotActiveException,
  ServiceNotFoundException,
} from '@aws-sdk/client-ecs';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { BatchWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { FUNCTIONS, type FunctionName, functionReference } from '../../../contract/functions.ts';
import { type ControlTableClient, controlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoBackupStore } from '../../../domain/backup/dynamo-backup-store.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import { EcsInstanceRevisions } from '../../../domain/fleet/ecs-instance-revisions.ts';
import { EcsInstanceServices } from '../../../domain/fleet/ecs-instance-services.ts';
import { DEFAULT_TIERS, FLEET_TIERS, type FleetTier } from '../../../domain/fleet/tier.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { Leases } from '../../../domain/lease/leases.ts';
import { DynamoInputTokenStore } from '../../../domain/operation/dynamo-input-token-store.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { OperationReconciliation } from '../../../domain/operation/operation-reconciliation.ts';
import { OperatorInput } from '../../../domain/operation/operator-input.ts';
import { StepFunctionsWaitingTasks } from '../../../domain/operation/step-functions-waiting-tasks.ts';
import { StepFunctionsWorkflows } from '../../../domain/operation/step-functions-workflows.ts';
import {
  operationIdOfExecution,
  STATE_MACHINES,
  type Workflows,
  workflowOf,
} from '../../../domain/operation/workflows.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { DynamoTableFileStore } from '../../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import type { JobWork, JobWorks } from '../../../instance/jobs/job-runner.ts';
import { jobWorks } from '../../../instance/jobs/job-works.ts';
import { TaskReporter } from '../../../instance/jobs/task-reporter.ts';
import { PastGeneration, type StartedInstance, startInstance } from '../../../instance/start-instance.ts';
import { TaskProtection } from '../../../instance/task-protection.ts';
import { startDynamodb } from '../../../local/dynamodb/start-dynamodb.ts';
import { startEcs, type TaskEvent } from '../../../local/ecs/start-ecs.ts';
import { routeExecutionEvents } from '../../../local/execution-events.ts';
import { registerTaskDefinitions } from '../../../local/fleet.ts';
import { functionEnvironments } from '../../../local/function-environments.ts';
import { startLambda } from '../../../local/lambda/start-lambda.ts';
import { LOCAL } from '../../../local/settings.ts';
import { STATE_MACHINE_ARN_PREFIX } from '../../../local/state-machines.ts';
import { startStepFunctions } from '../../../local/step-functions/start-step-functions.ts';
import { aslFile } from '../../../statemachines/machines.ts';
import { readWorld, type World } from '../../fixtures/consistency.ts';
import { startDagsterServer } from '../../fixtures/dagster-server.ts';
import { silent } from '../instance/workplace.ts';
import { FakeClock } from '../step-functions/fake-clock.ts';
import { Activity } from './activity.ts';
import { FaultInjector, type Invocation } from './fault-injector.ts';
import { startHoldingProxy } from './holding-proxy.ts';

export const CAPACITY = 1_000;
const CACHE_LIMITS = { bytes: 2 ** 30, openDatabases: 8 };
const WRITES_A_CALL = 25;
export const IMAGE = `sha256:${'1'.repeat(64)}`;
const IDLE_CONTAINER = fileURLToPath(new URL('idle-container.ts', import.meta.url));

let opened = false;

export type Stage = Awaited<ReturnType<typeof openStage>>;

/**
 * The whole control plane without its front, in this process and on real parts: store, Step Functions with every machine,
 * functions, and an instance of each tier. Time passes when nothing is at work, so retries and timeouts take none.
 */
export const openStage = async () => {
  if (opened)
    throw new Error('Functions keep what they were started with: one stage a process, so one in a test file.');
  opened = true;
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-stage-'));
  const closers: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true, maxRetries: 3 })];
  const activity = new Activity();
  const clock = new FakeClock();
  const running = new Set<string>();
  /** What happens to the tasks of each service, one after another. */
  const turns = new Map<string, Promise<void>>();
  const endings = new Map<string, AbortController>();
  const tasks = {
    /** A task that has been told to stop is at work until it has, and registers no more. */
    follow({ at, event, service, task, taskArn, taskDefinition, image }: TaskEvent): void {
      if (event === 'stopping') stopped.set(service, at);
      if (event === 'stopping') {
        endingOf(task).abort();
        activity.begin();
      }
      if (event === 'stopped') this.inTurn(service, () => removeInstance(service).finally(() => activity.end()));
      if (event === 'started' && !mute.has(image ?? '')) {
        const start = async () => {
          const generation = (await revisions.find(taskDefinition))?.generation || 1;
          started.set(service, [...(started.get(service) ?? []), generation]);
          const own = { image: image ?? IMAGE, taskArn, generation };
          await addInstance(service, tierOf(service), own, endingOf(task).signal);
        };
        this.inTurn(service, () => activity.during(start));
      }
    },
    inTurn(service: string, turn: () => Promise<void>): void {
      const done = activity.during(async () => {
        await turns.get(service);
        await turn();
      });
      turns.set(service, done);
    },
  };
  const endingOf = (task: string): AbortController => {
    const ending = endings.get(task) ?? new AbortController();
    endings.set(task, ending);
    return ending;
  };
  /** These instances are killed when they are to stop: they do not wait for their jobs. */
  const killed = new Set<string>();
  /** Tasks of these images never register. */
  const mute = new Set<string>();
  /** When the newest task of each service was told to stop. */
  const stopped = new Map<string, string>();
  /** The generations that tasks of each service were started for. */
  const started = new Map<string, number[]>();
  const lost = { events: false };

  const dynamodb = await startDynamodb({ directory: join(directory, 'dynamodb'), tableName: LOCAL.tableName });
  closers.push(dynamodb.close);
  const ready = Promise.withResolvers<Pick<ReturnType<typeof startLambda>, 'invoke'>>();
  const proxy = await startHoldingProxy(dynamodb.endpoint);
  closers.push(proxy.close);
  const faults = new FaultInjector(
    activity,
    async ({ function: name, payload }) => (await ready.promise).invoke(name, payload),
    proxy.holdNextWrite,
  );
  const counted = ready.promise.then(({ invoke }) => ({
    invoke: (name: string, event: unknown) => activity.during(() => invoke(name, event)),
  }));
  const events = routeExecutionEvents(counted);
  const endpoint = await startStepFunctions({
    port: 0,
    databaseFile: ':memory:',
    region: LOCAL.region,
    accountId: LOCAL.accountId,
    invokeFunction: (place, payload) => faults.invoke(invocation(place, payload)),
    sdk: {},
    clock,
    random: () => 0.5,
    onStatusChange: (event) => {
      if (event.detail.status === 'RUNNING') running.add(event.detail.name);
      else running.delete(event.detail.name);
      if (!lost.events) events.put(event);
    },
  });
  closers.push(endpoint.close, events.close);

  const objectsDirectory = join(directory, 'objects');
  const ecs = await startEcs({
    port: 0,
    directory: join(directory, 'ecs'),
    images: (reference) => ({ entry: IDLE_CONTAINER, digest: reference.split('@')[1] ?? IMAGE }),
    region: LOCAL.region,
    accountId: LOCAL.accountId,
    onTaskEvent: (event) => tasks.follow(event),
  });
  closers.push(ecs.close);
  const dagster = await startDagsterServer();
  closers.push(dagster.close);
  const lambda = startLambda({
    functions: Object.fromEntries(Object.entries(FUNCTIONS).filter(([, { folder }]) => folder !== 'api')),
    environments: functionEnvironments({
      identity: { issuer: 'http://127.0.0.1/', jwksUrl: 'http://127.0.0.1/keys' },
      objectStoreUrl: pathToFileURL(objectsDirectory).href,
      webhookSecret: 'whsec_dGhlIHN0YWdlIGhhcyBubyB3ZWJob29r',
    }),
    common: {
      AWS_REGION: LOCAL.region,
      AWS_ACCESS_KEY_ID: LOCAL.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: proxy.url,
      AWS_ENDPOINT_URL_SFN: endpoint.url,
      AWS_ENDPOINT_URL_ECS: ecs.url,
      DAGSTER: JSON.stringify(dagster.settings),
      POWERTOOLS_LOG_LEVEL: process.env['POWERTOOLS_LOG_LEVEL'] ?? 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    },
    region: LOCAL.region,
    accountId: LOCAL.accountId,
  });
  ready.resolve(lambda);

  const stepFunctions = new SFNClient({});
  const ecsClient = new ECSClient({});
  const revisions = new EcsInstanceRevisions(ecsClient, LOCAL.taskDefinitionPrefix);
  const services = new EcsInstanceServices(
    {
      cluster: LOCAL.cluster,
      taskDefinitionPrefix: LOCAL.taskDefinitionPrefix,
      subnets: ['subnet-1'],
      securityGroups: [],
    },
    ecsClient,
  );
  closers.push(() => {
    stepFunctions.destroy();
    ecsClient.destroy();
  });
  await registerTaskDefinitions(ecsClient, IMAGE, {
    CONTROL_TABLE_NAME: LOCAL.tableName,
    OBJECT_STORE_URL: pathToFileURL(objectsDirectory).href,
    LISTEN_HOST: '127.0.0.1',
  });
  for (const name of STATE_MACHINES) await deploy(stepFunctions, name);

  const table = controlTableClient(LOCAL.tableName);
  closers.push(() => table.documents.destroy());
  const objects = new DirectoryObjectStore(objectsDirectory);
  const fileOf = (key: string) => join(objectsDirectory, 'objects', key);
  const log = new OperationLog(new DynamoOperationStore(table));
  const graphs = new DynamoGraphStore(table);
  const tables = new DynamoTableStore(table);
  const files = new DynamoTableFileStore(table);
  const backups = new DynamoBackupStore(table);
  const instances = new DynamoInstanceStore(table);
  const workflows = new StepFunctionsWorkflows(STATE_MACHINE_ARN_PREFIX, stepFunctions);
  const commands = new OperationCommands(log, workflows);
  const waitingTasks = new StepFunctionsWaitingTasks(stepFunctions);
  const inputs = new OperatorInput(log, new DynamoInputTokenStore(table), waitingTasks);
  const leaseStore = new DynamoLeaseStore(table);
  const heldJobs = new Map<string, Promise<void>>();
  const tiers = new DynamoTierStore(table);
  for (const tier of DEFAULT_TIERS) await tiers.put({ ...tier, capacity: CAPACITY });

  const playing = new Map<string, StartedInstance>();
  /** Plays a task: what `instance/main.ts` does, in this process. */
  const addInstance = async (
    instanceId: string,
    tier: FleetTier,
    { generation, image, taskArn }: { image: string; taskArn: string; generation: number },
    ending = new AbortController().signal,
  ): Promise<void> => {
    const reporter = new ObservedReporter(activity);
    const starting = startInstance({
      task: { instanceId, taskArn, address: '127.0.0.1', image },
      tier,
      generation,
      listen: { host: '127.0.0.1', port: 0 },
      workDirectory: join(directory, instanceId),
      cacheLimits: CACHE_LIMITS,
      table,
      objects,
      works: (dependencies) => reporter.observe(jobWorks(dependencies), heldJobs),
      reporter,
      waitingTasks,
      protection: new TaskProtection(undefined, silent),
      logger: silent,
      // Nobody watches for them, and a fault that waits for the next write is not for theirs.
      heartbeatMs: null,
      onReplaced: () => {},
      ending,
    });
    const instance = await starting.catch((error: unknown) => {
      // A leftover of an earlier generation ends by itself.
      if (error instanceof PastGeneration) return { stop: async () => {}, close: async () => {} };
      throw error;
    });
    playing.set(instanceId, instance);
  };
  const removeInstance = async (instanceId: string): Promise<void> => {
    const instance = playing.get(instanceId);
    await (killed.has(instanceId) ? instance?.close() : instance?.stop());
    playing.delete(instanceId);
  };
  closers.push(async () => {
    for (const instanceId of playing.keys()) await removeInstance(instanceId);
  });
  for (const tier of FLEET_TIERS) {
    const instanceId = `inst-${tier}-1`;
    await addInstance(instanceId, tier, { image: IMAGE, taskArn: `task-${instanceId}`, generation: 1 });
  }

  /** Lets time pass, from one timer to the next, until `isOver`. */
  const until = async (isOver: () => boolean): Promise<void> => {
    for (;;) {
      await activity.settled();
      if (isOver()) return;
      if (clock.nextAt === undefined) throw new Error('Nothing is at work, and nothing waits for the time.');
      clock.advanceTo(clock.nextAt);
    }
  };

  return {
    table,
    objects,
    dagster,
    log,
    graphs,
    tables,
    files,
    backups,
    instances,
    workflows,
    commands,
    reconciliation: new OperationReconciliation(log, commands, workflows, inputs),
    inputs,
    /** Commands whose calls to stop an execution are lost. */
    commandsWithoutStop: new OperationCommands(log, withoutStop(workflows)),
    stepFunctions,
    faults,
    activity,
    clock,
    /** What does not arrive: while `events` is set, nobody hears of the end of executions. */
    lost,
    /** The names of the executions that run. */
    running,
    /** Jobs of these operations are not begun by their instances before the promise resolves. */
    heldJobs,
    leases: leaseStore,
    holdings: new Leases(leaseStore, waitingTasks),
    services,
    mute,
    killed,
    /** Has ECS start an instance, which registers. */
    async launch(instanceId: string, tier: FleetTier): Promise<void> {
      await services.create(instanceId, { tier, image: IMAGE, generation: 1 });
      await activity.settled();
    },
    /** When the newest task of an instance was told to stop. */
    stoppedAt: (instanceId: string) => stopped.get(instanceId),
    /** The generations that tasks of an instance were started for, in order. */
    startsOf: (instanceId: string) => started.get(instanceId) ?? [],
    /** Runs a function as an event or a schedule does. */
    invoke: async (name: string, event: unknown) => (await counted).invoke(name, event),
    until,
    /** Lets time pass until no execution of an operation runs and nothing follows from the last. */
    finish: (operationId: string) =>
      until(() => ![...running].some((name) => operationIdOfExecution(name) === operationId)),
    world: () => readWorld(table, objects),
    /** How many graphs an instance takes from here on. */
    async setCapacity(instanceId: string, capacity: number): Promise<void> {
      await table.documents.send(
        new UpdateCommand({
          TableName: table.tableName,
          Key: { pk: `INSTANCE#${instanceId}`, sk: 'META' },
          UpdateExpression: 'SET #capacity = :capacity',
          ExpressionAttributeNames: { '#capacity': 'capacity' },
          ExpressionAttributeValues: { ':capacity': capacity },
        }),
      );
    },
    /** Stops the newest execution of an operation, as a person does in the console. */
    async stopByHand(operationId: string): Promise<void> {
      const { kind, attempt } = await log.last(operationId);
      await workflows.stop({ machine: workflowOf(kind), operationId, attempt }, 'Stopped by hand');
    },
    /** Keeps the world as it is now, and gives what makes it so again: for the next case. */
    async keep(): Promise<() => Promise<void>> {
      const before = await readWorld(table, objects);
      const instancesBefore = [...playing.keys()];
      const files = new Map<string, Buffer>();
      for (const key of before.objects) files.set(key, await readFile(fileOf(key)));
      return async () => {
        for (const service of [...playing.keys()].filter((name) => !instancesBefore.includes(name))) {
          const deletion = new DeleteServiceCommand({ cluster: LOCAL.cluster, service, force: true });
          // An undo may have deleted it already.
          await ecsClient.send(deletion).catch((error: unknown) => {
            if (!(error instanceof ServiceNotActiveException || error instanceof ServiceNotFoundException)) throw error;
          });
        }
        await activity.settled();
        const after = await readWorld(table, objects);
        await writeBack(table, before, after);
        for (const key of after.objects) if (!files.has(key)) await objects.remove(key);
        for (const [key, content] of files)
          if (!after.objects.includes(key)) await writeFileBelow(fileOf(key), content);
      };
    },
    async close(): Promise<void> {
      for (const closer of closers.reverse()) await closer();
    },
  };
};

/** The tier of an instance, by its name. */
const tierOf = (instanceId: string): FleetTier => {
  const tier = FLEET_TIERS.find((known) => instanceId.startsWith(`inst-${known}-`));
  if (tier === undefined) throw new Error(`"${instanceId}" is no instance.`);
  return tier;
};

/** Deploys a committed machine. Each state names its function and itself: it is by the state that faults are injected. */
const deploy = async (client: SFNClient, name: string): Promise<void> => {
  const asl = JSON.parse(await readFile(aslFile(name), 'utf8')) as {
    States: Record<string, { Arguments?: { FunctionName?: string } }>;
  };
  const byReference = new Map(
    (Object.keys(FUNCTIONS) as FunctionName[]).map((known) => [`\${${functionReference(known)}}`, known]),
  );
  for (const [state, { Arguments }] of Object.entries(asl.States)) {
    const reference = Arguments?.FunctionName;
    if (Arguments !== undefined && reference !== undefined) {
      Arguments.FunctionName = `${byReference.get(reference) ?? reference}@${state}`;
    }
  }
  const roleArn = `arn:aws:iam::${LOCAL.accountId}:role/${name}`;
  await client.send(new CreateStateMachineCommand({ name, definition: JSON.stringify(asl), roleArn }));
};

/** Undoes every difference between two readings of the table. */
const writeBack = async (table: ControlTableClient, before: World, after: World): Promise<void> => {
  const byKey = ({ items }: World) => new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  const [was, is] = [byKey(before), byKey(after)];
  const writes = [...new Set([...was.keys(), ...is.keys()])].flatMap((key) => {
    const [then, now] = [was.get(key), is.get(key)];
    if (isDeepStrictEqual(then, now)) return [];
    return [then === undefined ? { DeleteRequest: { Key: keyOf(now) } } : { PutRequest: { Item: then } }];
  });
  for (let at = 0; at < writes.length; at += WRITES_A_CALL) {
    const batch = { [table.tableName]: writes.slice(at, at + WRITES_A_CALL) };
    await table.documents.send(new BatchWriteCommand({ RequestItems: batch }));
  }
};

const keyOf = (item: { pk: string; sk: string } | undefined) => ({ pk: item?.pk, sk: item?.sk });

const writeFileBelow = async (file: string, content: Buffer): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
};

const withoutStop = (workflows: Workflows): Workflows => ({
  start: (attempt, input) => workflows.start(attempt, input),
  stop: async () => {},
  stateOf: (attempt) => workflows.stateOf(attempt),
});

const invocation = (place: string, payload: unknown): Invocation => {
  const [name = '', state = ''] = place.split('@');
  return { function: name, state, payload: payload as Invocation['payload'] };
};

/** Tells the activity of jobs, from their beginning until their workflows have heard of their end. */
class ObservedReporter extends TaskReporter {
  readonly #activity: Activity;
  #unreported = 0;

  constructor(activity: Activity) {
    super();
    this.#activity = activity;
  }

  observe(works: JobWorks, held: ReadonlyMap<string, Promise<void>>): JobWorks {
    const observed = Object.entries(works).map(
      ([kind, work]) => [kind, this.#observed(work as JobWork, held)] as const,
    );
    return Object.fromEntries(observed) as unknown as JobWorks;
  }

  override async succeeded(taskToken: string): Promise<void> {
    await super.succeeded(taskToken).finally(() => this.#reported());
  }

  override async failed(taskToken: string, failure: { word: string; report: string }): Promise<void> {
    await super.failed(taskToken, failure).finally(() => this.#reported());
  }

  #observed =
    (work: JobWork, held: ReadonlyMap<string, Promise<void>>): JobWork =>
    async (job, ...rest) => {
      const [signal] = rest;
      await Promise.race([held.get(job.operationId), whenAborted(signal)]);
      signal.throwIfAborted();
      this.#activity.begin();
      await work(job, ...rest).finally(() => (this.#unreported += 1));
    };

  #reported(): void {
    if (this.#unreported === 0) return;
    this.#unreported -= 1;
    this.#activity.end();
  }
}

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
