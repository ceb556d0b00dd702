import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Stage } from 'aws-cdk-lib/aws-apigateway';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { GATEWAY_RESPONSES } from '../../contract/gateway-responses.ts';
import type { Configuration } from '../configuration-schema.ts';

export type FirewallProps = {
  readonly name: string;
  /** What it stands before. */
  readonly stage: Stage;
  readonly limits: Configuration['firewall'];
  readonly logRetention: RetentionDays;
};

/** Rules of AWS, with those that refuse what this API is for: they only count. */
const MANAGED_RULES = {
  AWSManagedRulesAmazonIpReputationList: [],
  AWSManagedRulesKnownBadInputsRuleSet: [],
  // Bodies reach 128 KB, and Cypher has `<-[:KNOWS]-` and `file:` where these look for scripts and paths.
  // A sender of webhooks need not say what it is.
  AWSManagedRulesCommonRuleSet: [
    'NoUserAgent_HEADER',
    'SizeRestrictions_BODY',
    'CrossSiteScripting_BODY',
    'GenericLFI_BODY',
    'GenericRFI_BODY',
    'EC2MetaDataSSRF_BODY',
  ],
} as const;

/** The problem that is answered beyond a limit. */
const TOO_MANY = 'TooMany';

/** Headers that give away a token or a signature. */
const SECRET_HEADERS = ['authorization', 'webhook-signature'];

/** The web application firewall before the API. What it tells of a request has neither query string nor token in it. */
export class Firewall extends Construct {
  constructor(scope: Construct, id: string, { name, stage, limits, logRetention }: FirewallProps) {
    super(scope, id);
    const rules = [
      ...Object.entries(MANAGED_RULES).map(([rule, counted]) => managed(rule, counted)),
      limited('RequestsOfAddress', limits.requestsOfAddress, { aggregateKeyType: 'IP' }),
      // By token, because a tenant is known behind the firewall only; its own limits are counted there.
      limited('RequestsOfToken', limits.requestsOfToken, {
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ header: { name: 'authorization', textTransformations: [{ priority: 0, type: 'NONE' }] } }],
      }),
    ];
    const list = new CfnWebACL(this, 'List', {
      name,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      customResponseBodies: {
        [TOO_MANY]: { contentType: 'APPLICATION_JSON', content: JSON.stringify(GATEWAY_RESPONSES.THROTTLED) },
      },
      rules: rules.map((rule, priority) => ({ ...rule, priority })),
      visibilityConfig: visible(name),
    });
    const logGroupName = `aws-waf-logs-${name}`; // WAF takes no name that begins otherwise
    const log = new LogGroup(this, 'Log', {
      logGroupName,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logging = new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: list.attrArn,
      // By its name: the attribute of the group ends in ":*".
      logDestinationConfigs: [
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      redactedFields: [{ queryString: {} }, ...SECRET_HEADERS.map((header) => ({ singleHeader: { Name: header } }))],
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: [{ ActionCondition: { Action: 'BLOCK' } }, { ActionCondition: { Action: 'COUNT' } }],
          },
        ],
      },
    });
    logging.node.addDependency(log);
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stage.stageArn, webAclArn: list.attrArn });
  }
}

/** Samples would show whole requests in the console, with query and token. */
const visible = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
});

type Rule = Omit<CfnWebACL.RuleProperty, 'priority'>;

const managed = (name: string, counted: readonly string[]): Rule => ({
  name,
  overrideAction: { none: {} },
  statement: {
    managedRuleGroupStatement: {
      vendorName: 'AWS',
      name,
      ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
    },
  },
  visibilityConfig: visible(name),
});

const limited = (
  name: string,
  limit: number,
  by: Pick<CfnWebACL.RateBasedStatementProperty, 'aggregateKeyType' | 'customKeys'>,
): Rule => ({
  name,
  // As API Gateway answers what is too much.
  action: {
    block: {
      customResponse: {
        responseCode: GATEWAY_RESPONSES.THROTTLED.status,
        customResponseBodyKey: TOO_MANY,
        responseHeaders: [{ name: 'Retry-After', value: '60' }],
      },
    },
  },
  statement: { rateBasedStatement: { limit, evaluationWindowSec: 300, ...by } },
  visibilityConfig: visible(name),
});
