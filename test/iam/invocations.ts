import { ACCOUNT, type Deployment, type Policy, REGION } from './deployment.ts';

type Permission = { FunctionName: string; Principal: string; SourceArn: string };

/** How services of AWS run functions: which version or alias each is to run, and what lets it. */
export class Invocations {
  readonly #permissions: readonly Permission[];
  readonly #targets: readonly string[];
  readonly #rules: readonly [name: string, rule: object][];

  constructor(deployment: Deployment) {
    const properties = (type: string) => [...deployment.ofType(type).values()];
    this.#permissions = properties('AWS::Lambda::Permission') as Permission[];
    const callers = ['AWS::ApiGateway::Method', 'AWS::ApiGateway::Authorizer', 'AWS::Events::Rule'].flatMap(properties);
    this.#rules = [...deployment.ofType('AWS::Events::Rule')];
    this.#targets = callers.map((caller) => JSON.stringify(caller));
  }

  /** The function as a service names it: with its alias, if it has one. */
  arnOf(name: string): string {
    const named = this.#targets.map(
      (target) => new RegExp(`arn:aws:lambda:[^/"]*:function:graphfleet-dev-${name}(:\\w+)?(?=[/"])`).exec(target)?.[0],
    );
    const found = [...new Set(named.filter((arn) => arn !== undefined))];
    if (found.length !== 1) throw new Error(`No service runs just one function "${name}": ${found.join()}`);
    return String(found[0]);
  }

  /** The function's own policy. */
  policyOf(arn: string): Policy {
    const own = this.#permissions.filter(({ FunctionName }) => FunctionName === arn);
    return {
      Version: '2012-10-17',
      Statement: own.map(({ Principal, SourceArn }) => ({
        Effect: 'Allow',
        Principal: { Service: Principal },
        Action: 'lambda:InvokeFunction',
        Resource: arn,
        Condition: { ArnLike: { 'aws:SourceArn': SourceArn } },
      })),
    };
  }

  /** Where a service calls a function from: its rule, or a method of the API. */
  sourceOf(arn: string, principal: string): string {
    const [rule] = this.#rules.filter(([, rule]) => JSON.stringify(rule).includes(`"${arn}"`)).map(([name]) => name);
    if (principal === 'events.amazonaws.com') return `arn:aws:events:${REGION}:${ACCOUNT}:rule/${rule}`;
    const own = this.#permissions.find(
      ({ FunctionName, Principal }) => FunctionName === arn && Principal === principal,
    );
    return own?.SourceArn.replaceAll('*', 'x') ?? 'none';
  }
}
