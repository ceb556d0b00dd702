import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { SFNClient } from '@aws-sdk/client-sfn';
import { ROUTES } from '../contract/api/routes.ts';
import { FUNCTIONS } from '../contract/functions.ts';
import { AUTHORIZER_CACHE_SECONDS, GATEWAY_RESPONSES } from '../contract/gateway-responses.ts';
import { CALLER_KINDS, usagePlanKey } from '../contract/usage-plans.ts';
import { startApiGateway } from './api-gateway/start-api-gateway.ts';
import { subscribeDevelopmentTenants, webhookSecretIn } from './billing.ts';
import { startDynamodb } from './dynamodb/start-dynamodb.ts';
import { startEcs } from './ecs/start-ecs.ts';
import { routeExecutionEvents } from './execution-events.ts';
import { registerTaskDefinitions, setTiers, whenInstancesAreActive } from './fleet.ts';
import { functionEnvironments } from './function-environments.ts';
import { developmentTokens, type Tokens } from './identity/development-tokens.ts';
import { startIdentity } from './identity/start-identity.ts';
import { instanceImages, publishInstanceImage } from './instance-image.ts';
import { type Lambda, startLambda } from './lambda/start-lambda.ts';
import { startObjectEndpoint } from './object-store/start-object-endpoint.ts';
import { lockDirectory } from './runtime-lock.ts';
import { runSchedules } from './schedules.ts';
import { LOCAL, type Settings } from './settings.ts';
import { deployStateMachines } from './state-machines.ts';
import { startStepFunctions } from './step-functions/start-step-functions.ts';

/** What the runtime tells about itself, in `runtime.json` of its data directory while it is ready. */
export type RuntimeDescription = {
  url: string;
  pid: number;
  tokens: Tokens;
  endpoints: { dynamodb: string; stepfunctions: string; ecs: string };
  /** What webhooks of a billing provider are to be signed with. */
  webhookSecret: string;
};

export type Runtime = RuntimeDescription & { close(): Promise<void> };

/**
 * Starts the whole of Graphfleet on this machine: the services of AWS that it uses, then what CDK deploys to them,
 * then the front. Work that an earlier runtime left on the directory goes on.
 * @throws {Error} another runtime has the directory, or the port is taken
 */
export const startRuntime = async ({ port, dataDirectory, tiers, limits }: Settings): Promise<Runtime> => {
  const startedAt = new Date().toISOString();
  const release = await lockDirectory(dataDirectory);
  const closers: (() => Promise<void>)[] = [release];
  let closed: Promise<void> | undefined;
  const closeAll = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  const close = () => {
    closed ??= closeAll();
    return closed;
  };
  const opened = <Service extends { close(): Promise<void> }>(service: Service): Service => {
    closers.push(() => service.close());
    // One that was still starting when another failed.
    if (closed !== undefined) closed = closed.then(closeAll);
    return service;
  };
  try {
    const directory = (name: string) => join(dataDirectory, name);
    await mkdir(directory('step-functions'), { recursive: true });
    const objectStoreUrl = pathToFileURL(directory('objects')).href;

    const images = instanceImages(dataDirectory);
    const imagePublished = publishInstanceImage(images);
    // Awaited where it is needed; what comes to grief before that is not to be reported as this.
    imagePublished.catch(() => {});
    const [dynamodb, identity, { endpoint, secret }] = await Promise.all([
      startDynamodb({ directory: directory('dynamodb'), tableName: LOCAL.tableName }).then(opened),
      startIdentity({ port: 0, directory: directory('identity'), audience: LOCAL.audience }).then(opened),
      startObjectEndpoint(directory('objects')).then(opened),
    ]);
    // Functions sign requests on it.
    const servedObjectsUrl = `${objectStoreUrl}?${new URLSearchParams({ endpoint, secret }).toString()}`;
    const webhookSecret = await webhookSecretIn(directory('billing'));
    const shared = { region: LOCAL.region, credentials: LOCAL.credentials };
    const dynamodbClient = new DynamoDBClient({ ...shared, endpoint: dynamodb.endpoint });

    // Step Functions calls functions and ECS, which need its address in turn: those that came first wait for the others.
    const functionsReady = Promise.withResolvers<Lambda>();
    const ecsReady = Promise.withResolvers<string>();
    const ecsClient = new ECSClient({ ...shared, endpoint: async () => endpointOf(await ecsReady.promise) });
    const executionEvents = routeExecutionEvents(functionsReady.promise);
    const stepFunctions = opened(
      await startStepFunctions({
        port: 0,
        databaseFile: join(directory('step-functions'), 'executions.sqlite'),
        region: LOCAL.region,
        accountId: LOCAL.accountId,
        invokeFunction: async (name, payload, trace) => (await functionsReady.promise).invoke(name, payload, trace),
        sdk: { dynamodb: dynamodbClient, ecs: ecsClient },
        onStatusChange: executionEvents.put,
      }),
    );
    opened(executionEvents);
    const aws = awsSettings({ dynamodb: dynamodb.endpoint, stepfunctions: stepFunctions.url });
    const ecs = opened(
      await startEcs({
        port: 0,
        directory: directory('ecs'),
        images: (reference) => images.find(reference),
        region: LOCAL.region,
        accountId: LOCAL.accountId,
        environment: aws,
      }),
    );
    ecsReady.resolve(ecs.url);
    const endpoints = { dynamodb: dynamodb.endpoint, stepfunctions: stepFunctions.url, ecs: ecs.url };
    const lambda = startLambda({
      functions: FUNCTIONS,
      environments: functionEnvironments({ identity, objectStoreUrl: servedObjectsUrl, webhookSecret, limits }),
      common: { ...aws, AWS_ENDPOINT_URL_ECS: ecs.url },
      region: LOCAL.region,
      accountId: LOCAL.accountId,
    });
    await Promise.all([
      lambda.loadAll(),
      setTiers(dynamodbClient, tiers),
      subscribeDevelopmentTenants(dynamodbClient),
      registerTaskDefinitions(ecsClient, await imagePublished, {
        CONTROL_TABLE_NAME: LOCAL.tableName,
        OBJECT_STORE_URL: objectStoreUrl,
        LISTEN_HOST: '127.0.0.1',
      }),
    ]);
    functionsReady.resolve(lambda);
    await deployStateMachines(new SFNClient({ ...shared, endpoint: stepFunctions.url }), (name) => lambda.arnOf(name));
    opened(runSchedules(lambda));
    await whenInstancesAreActive(dynamodbClient, startedAt);
    const gateway = opened(
      await startApiGateway({
        port,
        routes: ROUTES,
        gatewayResponses: GATEWAY_RESPONSES,
        apiKeys: CALLER_KINDS.map((kind) => usagePlanKey(LOCAL.namePrefix, kind)),
        authorizerTtlSeconds: AUTHORIZER_CACHE_SECONDS,
        lambda,
        region: LOCAL.region,
        accountId: LOCAL.accountId,
      }),
    );
    const description: RuntimeDescription = {
      url: gateway.url,
      pid: process.pid,
      tokens: await developmentTokens(identity),
      endpoints,
      webhookSecret,
    };
    closers.push(await describe(join(dataDirectory, 'runtime.json'), description));
    return { ...description, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const endpointOf = (url: string) => {
  const { protocol, hostname, port, pathname: path } = new URL(url);
  return { protocol, hostname, port: Number(port), path };
};

/** Where the AWS SDK finds each service: its own settings, which functions and instances use unknowingly. */
const awsSettings = ({ dynamodb, stepfunctions }: Omit<RuntimeDescription['endpoints'], 'ecs'>) => ({
  AWS_REGION: LOCAL.region,
  AWS_ACCESS_KEY_ID: LOCAL.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL.credentials.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_ENDPOINT_URL_SFN: stepfunctions,
  POWERTOOLS_LOG_LEVEL: process.env['POWERTOOLS_LOG_LEVEL'] ?? 'WARN',
  POWERTOOLS_SERVICE_NAME: 'graphfleet-local',
  // Nobody reads them here.
  POWERTOOLS_METRICS_DISABLED: process.env['POWERTOOLS_METRICS_DISABLED'] ?? 'true',
  // So that a debugger or a profiler that is asked for reaches the instances too.
  ...(process.env['NODE_OPTIONS'] !== undefined && { NODE_OPTIONS: process.env['NODE_OPTIONS'] }),
});

/** Writes the file as a whole: whoever watches for it never reads half. */
const describe = async (file: string, description: RuntimeDescription): Promise<() => Promise<void>> => {
  await writeFile(`${file}.partial`, JSON.stringify(description, null, 2));
  await rename(`${file}.partial`, file);
  return () => rm(file, { force: true });
};
