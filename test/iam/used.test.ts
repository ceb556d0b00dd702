import { beforeAll, describe, expect, inject, test } from 'vitest';
import { identityOf, type RecordedCall } from '../../local/recording/recorded-call.ts';
import { Deployment } from './deployment.ts';
import { excuseOf, idleReasons } from './excuses.ts';
import { type Grant, grantsOf as takenApart } from './grants.ts';
import { recordedCalls } from './recorded-calls.ts';
import { Requests } from './requests.ts';
import { isOfAws } from './roles.ts';
import { type Decision, decide } from './simulate.ts';

const requests = new Requests(new Deployment(inject('templates')));
const grants = takenApart(requests.roles);
const calls = recordedCalls();
const decisions = new Map<RecordedCall, Decision>();
const used = new Set<Grant>();

beforeAll(async () => {
  const grantsOf = Map.groupBy(grants, ({ role }) => requests.roles.get(role)?.arn ?? role);
  for (const call of calls) {
    const { request, policies } = requests.of(call);
    const own = grantsOf.get(request.principal) ?? [];
    const identity = own.length === 0 ? policies.identity : { Statement: own.map(({ statement }) => statement) };
    const decision = await decide(request, { ...policies, identity });
    decisions.set(call, decision);
    for (const grant of own.filter(({ statement }) => decision.allowedBy.includes(statement.Sid))) used.add(grant);
  }
});

describe('what was asked of AWS while the tests ran', () => {
  test('is allowed to the role that asked', () => {
    const refused = [...decisions].filter(([, { result }]) => result !== 'Allowed').map(([call]) => identityOf(call));
    expect(refused).toEqual([]);
  });

  test('was asked by every role but those that ask nothing, and those of AWS itself', () => {
    const asking = new Set(calls.map((call) => requests.of(call).request.principal));
    const silent = [...requests.roles].filter(([, { arn }]) => !asking.has(arn)).map(([role]) => role);
    expect(silent.filter((role) => !isOfAws(role)).sort()).toEqual(['function/get-health', 'function/get-open-api']);
    expect(silent.filter(isOfAws)).toEqual([...requests.roles.keys()].filter(isOfAws));
    expect(calls.length).toBeGreaterThan(1_000);
  });
});

test('a role may do nothing that the runs did not do in it, but for a reason', () => {
  const lacking = grants.filter((grant) => !used.has(grant) && excuseOf(grant, used) === undefined);
  const told = lacking.map(({ role, action, items, resource }) => [role, action, items ?? resource].join(' '));
  expect(told, 'If these are many, what was recorded last was a part of the tests: run all three.').toEqual([]);
});

test('there is a reason for nothing that is not granted', () => {
  expect(idleReasons(grants)).toEqual([]);
});
