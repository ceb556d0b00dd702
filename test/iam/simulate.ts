import { runSimulation } from '@cloud-copilot/iam-simulate';
import { ACCOUNT, type Policy, type Statement } from './deployment.ts';

export type Decision = {
  readonly result: 'Allowed' | 'ImplicitlyDenied' | 'ExplicitlyDenied';
  /** The ids of the role's statements that allow it. */
  readonly allowedBy: readonly (string | undefined)[];
};

/** A request as IAM decides on it. */
export type IamRequest = {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | string[]>>;
};

const Version = '2012-10-17';

export type Policies = {
  /** What the role may do. */
  readonly identity: Pick<Policy, 'Statement'>;
  /** What the resource's own policy says. */
  readonly resource?: Policy | undefined;
};

const decided = new Map<string, Promise<Decision>>();

/**
 * What IAM would answer. Many roles may do the same, and no policy says who: each question is put to the simulator once.
 * @throws {Error} the request or a policy is not one that IAM knows
 */
export const decide = (request: IamRequest, { identity, resource }: Policies): Promise<Decision> => {
  const { principal: _principal, ...asked } = request;
  const statements = relevant(identity.Statement, request.action);
  const question = JSON.stringify([asked, statements, resource]);
  const decision = decided.get(question) ?? simulate(request, statements, resource);
  decided.set(question, decision);
  return decision;
};

const simulate = async (
  { principal, action, resource, context }: IamRequest,
  statements: readonly Statement[],
  resourcePolicy: Policy | undefined,
): Promise<Decision> => {
  const result = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: ACCOUNT }, contextVariables: { ...context } },
      identityPolicies: statements.length === 0 ? [] : [{ name: 'role', policy: { Version, Statement: statements } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy !== undefined && { resourcePolicy }),
    },
    {},
  );
  if (result.resultType === 'error') throw new Error(`${action} on ${resource}: ${JSON.stringify(result.errors)}`);
  const analyses = result.resultType === 'single' ? [result.result] : result.results;
  const allowing = analyses.flatMap(({ analysis }) => analysis.identityAnalysis?.allowStatements ?? []);
  return { result: result.overallResult, allowedBy: allowing.map(({ statement }) => statement.sid()) };
};

/** The statements that can have a say in an action: a simulation of one takes a millisecond. */
const relevant = (statements: readonly Statement[], action: string): Statement[] =>
  statements.filter(({ Action }) => [Action].flat().some((one) => one === action || one.includes('*')));
