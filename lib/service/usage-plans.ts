import { ApiKey, Period, type Stage, UsagePlan } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import { CALLER_KINDS, usagePlanKey } from '../../contract/usage-plans.ts';
import type { Configuration } from '../configuration-schema.ts';
import { pascalCase } from '../pascal-case.ts';

export type UsagePlansProps = {
  /** Names of plans and keys begin with it, and the keys' values are made of it. */
  readonly namePrefix: string;
  /** What the plans are about. */
  readonly stage: Stage;
  readonly plans: Configuration['usagePlans'];
};

/**
 * A usage plan for each kind of caller, with the one key that the authorizer names for all of them. An account has no two keys
 * of one name or value: under another id a key could not be made beside the one that it is to replace.
 */
export class UsagePlans extends Construct {
  constructor(scope: Construct, id: string, { namePrefix, stage, plans }: UsagePlansProps) {
    super(scope, id);
    let before: UsagePlan | undefined;
    for (const kind of CALLER_KINDS) {
      const name = `${namePrefix}-${kind}`;
      const { requestsPerSecond, burst, requestsPerDay } = plans[kind];
      const plan = new UsagePlan(this, pascalCase(kind), {
        name,
        apiStages: [{ api: stage.restApi, stage }],
        throttle: { rateLimit: requestsPerSecond, burstLimit: burst },
        ...(requestsPerDay !== null && { quota: { limit: requestsPerDay, period: Period.DAY } }),
      });
      plan.addApiKey(
        new ApiKey(this, `${pascalCase(kind)}Key`, {
          apiKeyName: name,
          value: usagePlanKey(namePrefix, kind),
          description: 'No secret: the authorizer names it, and callers can not send it',
        }),
      );
      // API Gateway refuses changes of plans and their keys that come at once.
      if (before !== undefined) plan.node.addDependency(before);
      before = plan;
    }
  }
}
