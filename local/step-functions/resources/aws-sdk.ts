import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import type { ECSClient } from '@aws-sdk/client-ecs';
import * as ecs from '@aws-sdk/client-ecs';
import { StateFailure } from '../failure.ts';
import { fieldNames, fromStepFunctions, toStepFunctions } from './aws-sdk-shape.ts';
import type { Resource } from './resource.ts';

/** The clients that `aws-sdk` tasks call. */
export interface SdkClients {
  readonly dynamodb?: DynamoDBClient | undefined;
  readonly ecs?: ECSClient | undefined;
}

/** What is needed of a client and of a command; their own types differ from service to service. */
interface Client {
  send(command: Command): Promise<object>;
}
interface Command {
  /** `[kind, namespace, name, traits, input shape, output shape]` */
  readonly schema: readonly unknown[];
}
type CommandClass = new (input: unknown) => Command;

/** The service prefix of error names is the Java SDK's: `DynamoDb`, unlike the `DynamoDB` of the optimized integration. */
const SERVICES = new Map<string, { errors: string; library: object }>([
  ['dynamodb', { errors: 'DynamoDb', library: dynamodb }],
  ['ecs', { errors: 'Ecs', library: ecs }],
]);

/** Any action of a service, called as it is: `arn:aws:states:::aws-sdk:<service>:<action>`. */
export const sdkResource = (arn: string, clients: SdkClients): Resource | undefined => {
  const [, name = '', action = ''] = /^arn:aws:states:::aws-sdk:([a-z]+):([a-z]\w+)$/.exec(arn) ?? [];
  const service = SERVICES.get(name);
  const commandName = `${action.charAt(0).toUpperCase()}${action.slice(1)}Command`;
  if (service === undefined || !(commandName in service.library)) return undefined;
  // The two names above prove it: the library is the service's, and the export is one of its commands.
  const ThisCommand = Object(service.library)[commandName] as CommandClass;
  const [, , , , inputShape, outputShape] = new ThisCommand({}).schema;
  return {
    type: `aws-sdk:${name}`,
    action,
    answeredBy: 'call',
    lost: new StateFailure(`${service.errors}.SdkClientException`, 'The runner stopped while the call was under way.'),
    fields: fieldNames(inputShape),
    async call(input) {
      const client = Object(clients)[name] as Client | undefined;
      if (client === undefined) throw new StateFailure('States.Runtime', `The runner was given no ${name} client.`);
      const command = new ThisCommand(fromStepFunctions(input, inputShape));
      const result = await client.send(command).catch((error: unknown) => {
        throw failureOf(error, service);
      });
      return toStepFunctions(result, outputShape);
    },
  };
};

/** Named as Step Functions names it: a modelled error by its own name, any other by the service's. */
const failureOf = (error: unknown, { errors, library }: { errors: string; library: object }): StateFailure => {
  if (!(error instanceof Error)) return new StateFailure(`${errors}.SdkClientException`, String(error));
  if (!('$fault' in error)) return new StateFailure(`${errors}.SdkClientException`, error.message);
  const own = error.name.endsWith('Exception') ? error.name : `${error.name}Exception`;
  const { httpStatusCode, requestId } = Object(error)['$metadata'] ?? {};
  return new StateFailure(
    `${errors}.${error.name in library ? own : `${errors}Exception`}`,
    `${error.message} (Service: ${errors}, Status Code: ${httpStatusCode}, Request ID: ${requestId})`,
  );
};
