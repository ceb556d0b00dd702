import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseTransferMode,
  RestApi,
  TokenAuthorizer,
} from 'aws-cdk-lib/aws-apigateway';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Route } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { AUTHORIZER_CACHE_SECONDS } from '../../contract/gateway-responses.ts';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration } from '../configuration.ts';
import type { Functions } from './function-table.ts';
import { answerProblems } from './gateway-problems.ts';

export type ApiProps = {
  readonly name: string;
  readonly functions: Functions<'api'>;
  readonly throttling: Configuration['throttling'];
  readonly logRetention: RetentionDays;
};

/** The routes' own first segment, so that the links in answers lead back here from the API's address. */
const STAGE = 'v1';

/** Who called what and how it went. Never the query string or a header: there are tokens and tenants' words in them. */
const ACCESS_LOG_LINE = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  method: '$context.httpMethod',
  route: '$context.resourcePath',
  status: '$context.status',
  problem: '$context.error.responseType',
  tenantId: '$context.authorizer.tenantId',
  subject: '$context.authorizer.principalId',
  sourceAddress: '$context.identity.sourceIp',
  milliseconds: '$context.responseLatency',
  bytes: '$context.responseLength',
});

/** The HTTP API: every route of the contract, and no other. */
export class Api extends Construct {
  readonly rest: RestApi;
  readonly #functions: Functions<'api'>;
  readonly #authorizer: TokenAuthorizer;

  constructor(scope: Construct, id: string, { name, functions, throttling, logRetention }: ApiProps) {
    super(scope, id);
    this.#functions = functions;
    this.rest = new RestApi(this, 'Rest', {
      restApiName: name,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: true,
      deployOptions: {
        stageName: STAGE,
        throttlingRateLimit: throttling.requestsPerSecond,
        throttlingBurstLimit: throttling.burst,
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        accessLogDestination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLog', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY }),
        ),
        accessLogFormat: AccessLogFormat.custom(ACCESS_LOG_LINE),
      },
    });
    this.#authorizer = new TokenAuthorizer(this, 'Authorizer', {
      handler: functions.authorize.function,
      resultsCacheTtl: Duration.seconds(AUTHORIZER_CACHE_SECONDS),
    });
    for (const route of ROUTES) this.#addRoute(route);
    answerProblems(this.rest);
    this.#acknowledgeFindings();
  }

  #addRoute({ path, method, scope, streams, raw, function: name }: Route): void {
    if (!(name in this.#functions))
      throw new Error(`The route ${method} ${path} names "${name}", which is no function.`);
    const handler = this.#functions[name as keyof Functions<'api'>].function;
    const added = this.rest.root.resourceForPath(path.slice(`/${STAGE}`.length)).addMethod(
      method,
      new LambdaIntegration(handler, {
        allowTestInvoke: false,
        ...(streams && {
          responseTransferMode: ResponseTransferMode.STREAM,
          timeout: Duration.seconds(FUNCTIONS[name as FunctionName].timeoutSeconds),
        }),
      }),
      scope === null
        ? { authorizationType: AuthorizationType.NONE }
        : { authorizationType: AuthorizationType.CUSTOM, authorizer: this.#authorizer },
    );
    if (scope === null) {
      const reason = raw
        ? 'The caller is known by the signature over the body, which the function checks before anything else.'
        : 'Open to everyone by contract: it tells nothing about a tenant.';
      acknowledge(added, { 'AwsSolutions-APIG4': reason });
    }
    acknowledge(added, {
      'AwsSolutions-COG4': 'Tokens come from any OpenID Connect issuer; the function `authorize` checks them.',
    });
  }

  #acknowledgeFindings(): void {
    acknowledge(this.rest, {
      'AwsSolutions-APIG2':
        'The functions check each request by the schemas of the contract and name every wrong field.',
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        "API Gateway's own way to write logs is one role for the account, with the policy that AWS keeps for it.",
    });
    acknowledge(this.rest.deploymentStage, {
      'AwsSolutions-APIG3': 'The web application firewall comes with issue 6, together with limits for each tenant.',
    });
  }
}
