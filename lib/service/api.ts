import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  ApiKeySourceType,
  AuthorizationType,
  EndpointType,
  JsonSchemaType,
  LambdaIntegration,
  LogGroupLogDestination,
  type MethodDeploymentOptions,
  MethodLoggingLevel,
  type MethodOptions,
  type Model,
  type RequestValidator,
  ResponseTransferMode,
  RestApi,
  SecurityPolicy,
  TokenAuthorizer,
} from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { isCommand, type Route } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { AUTHORIZER_CACHE_SECONDS } from '../../contract/gateway-responses.ts';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration, Throttling } from '../configuration-schema.ts';
import { ANSWER_FAILED } from '../observability/log-metric.ts';
import { ServiceRole } from '../service-role.ts';
import type { Functions } from './function-table.ts';
import { answerProblems } from './gateway-problems.ts';
import { UsagePlans } from './usage-plans.ts';

export type ApiProps = {
  readonly name: string;
  readonly functions: Functions<'api'>;
  readonly configuration: Pick<Configuration, 'throttling' | 'usagePlans' | 'logRetention' | 'domain'>;
};

/** The routes' own first segment, so that the links in answers lead back here from the API's address. */
const STAGE = 'v1';

/** Who called what and how it went. Never the query string or a header: there are tokens and tenants' words in them. */
const ACCESS_LOG_LINE = JSON.stringify({
  requestId: '$context.requestId',
  xray_trace_id: '$context.xrayTraceId',
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
  readonly #validator: RequestValidator;
  readonly #anObject: Model;

  constructor(scope: Construct, id: string, { name, functions, configuration }: ApiProps) {
    super(scope, id);
    const { throttling, usagePlans, logRetention, domain } = configuration;
    this.#functions = functions;
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    ANSWER_FAILED.countIn(accessLog, name);
    this.rest = new RestApi(this, 'Rest', {
      restApiName: name,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: true,
      disableExecuteApiEndpoint: domain !== null,
      apiKeySourceType: ApiKeySourceType.AUTHORIZER,
      deployOptions: {
        stageName: STAGE,
        ...limitsOf(throttling.reads),
        methodOptions: methodLimits(throttling),
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.custom(ACCESS_LOG_LINE),
      },
    });
    this.#authorizer = new TokenAuthorizer(this, 'Authorizer', {
      handler: functions.authorize.live,
      // A permission on the function would stand in its own stack, and name this API before it is there.
      assumeRole: this.#authorizerRole().withoutPolicyUpdates(),
      resultsCacheTtl: Duration.seconds(AUTHORIZER_CACHE_SECONDS),
    });
    this.#validator = this.rest.addRequestValidator('Validator', {
      validateRequestBody: true,
      validateRequestParameters: true,
    });
    this.#anObject = this.rest.addModel('Object', { schema: { type: JsonSchemaType.OBJECT } });
    for (const route of ROUTES) this.#addRoute(route);
    new UsagePlans(this, 'UsagePlans', { namePrefix: name, stage: this.rest.deploymentStage, plans: usagePlans });
    if (domain !== null) this.#addDomain(domain);
    answerProblems(this.rest);
    this.#acknowledgeFindings();
  }

  #authorizerRole(): ServiceRole {
    const role = new ServiceRole(this, 'AuthorizerRole', { service: 'apigateway', description: 'Asks the authorizer' });
    const { functionArn } = this.#functions.authorize.live;
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
    return role;
  }

  #addRoute(route: Route): void {
    const { path, method, scope, streams, raw, function: name } = route;
    if (!(name in this.#functions))
      throw new Error(`The route ${method} ${path} names "${name}", which is no function.`);
    const handler = this.#functions[name as keyof Functions<'api'>].live;
    const added = this.rest.root.resourceForPath(path.slice(`/${STAGE}`.length)).addMethod(
      method,
      new LambdaIntegration(handler, {
        allowTestInvoke: false,
        ...(streams && {
          responseTransferMode: ResponseTransferMode.STREAM,
          timeout: Duration.seconds(FUNCTIONS[name as FunctionName].timeoutSeconds),
        }),
      }),
      {
        ...(scope === null
          ? { authorizationType: AuthorizationType.NONE }
          : { authorizationType: AuthorizationType.CUSTOM, authorizer: this.#authorizer, apiKeyRequired: true }),
        ...this.#validation(route),
      },
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

  /**
   * What is refused before a function runs: a call without the key that it has to have, and a body that is no JSON object
   * where one is needed. Not the rest of the schemas: functions name each wrong field, a model would not. Nor is anything
   * refused of a webhook: what is not signed is 401.
   */
  #validation({ body, raw, idempotent }: Route): MethodOptions {
    const needsBody = !raw && !body.safeParse({}).success;
    const needsKey = idempotent === 'required';
    if (!needsBody && !needsKey) return {};
    return {
      requestValidator: this.#validator,
      ...(needsBody && { requestModels: { 'application/json': this.#anObject } }),
      ...(needsKey && { requestParameters: { 'method.request.header.Idempotency-Key': true } }),
    };
  }

  #addDomain({ name, certificateArn }: NonNullable<Configuration['domain']>): void {
    const certificate = Certificate.fromCertificateArn(this, 'Certificate', certificateArn);
    const endpointType = EndpointType.REGIONAL;
    const named = { domainName: name, certificate, endpointType, securityPolicy: SecurityPolicy.TLS_1_2 };
    this.rest.addDomainName('Domain', { ...named, basePath: STAGE });
  }

  #acknowledgeFindings(): void {
    acknowledge(this.rest, {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        "API Gateway's own way to write logs is one role for the account, with the policy that AWS keeps for it.",
    });
  }
}

const limitsOf = ({ requestsPerSecond, burst }: Throttling): MethodDeploymentOptions => ({
  throttlingRateLimit: requestsPerSecond,
  throttlingBurstLimit: burst,
  // What is set for a method is all that it has of the stage's settings.
  loggingLevel: MethodLoggingLevel.ERROR,
});

/** The limits of methods that do more than read, by path and method. */
const methodLimits = ({ commands, queries }: Configuration['throttling']): Record<string, MethodDeploymentOptions> =>
  Object.fromEntries(
    ROUTES.flatMap((route) => {
      const kind = route.countsAsQuery ? queries : isCommand(route) ? commands : null;
      return kind === null ? [] : [[`${route.path.slice(`/${STAGE}`.length)}/${route.method}`, limitsOf(kind)]];
    }),
  );
