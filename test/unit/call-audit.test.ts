import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { consumeCreditsRoute, setFlagsRoute } from '../../contract/api/billing-routes.ts';
import { createGraphRoute, getGraphRoute } from '../../contract/api/graph-routes.ts';
import { AcceptedView, OperationView } from '../../contract/api/operations.ts';
import { isCommand, isOperatorAction, type Route } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import type { AuditEntry } from '../../domain/audit/audit.ts';
import { Refusal, Retryable, Terminal } from '../../domain/failure.ts';
import { CallAudit } from '../../functions/pipeline/call-audit.ts';

const unwritable = new Error('The table can not be written.');

const event = {
  pathParameters: { graphId: 'kg1' },
  requestContext: {
    requestId: 'request-1',
    authorizer: { tenantId: 'acme', subject: 'ada', scopes: 'graphs:read' },
  },
} as unknown as APIGatewayProxyEvent;

/** A store that keeps entries by their ids, until it fails. */
const storeThat = ({ failsAt = Number.POSITIVE_INFINITY } = {}) => {
  const entries = new Map<string, AuditEntry>();
  let puts = 0;
  const none = async () => ({ items: [], cursor: null });
  const put = async (entry: AuditEntry) => {
    puts += 1;
    if (puts >= failsAt) throw unwritable;
    entries.set(entry.auditId, entry);
  };
  const count = async (kind: string, entry: AuditEntry) => put({ ...entry, auditId: kind });
  return { entries, store: { put, count, list: none, listByTenant: none } };
};

const auditOf = (route: Route, given = storeThat()) => ({ ...given, audit: new CallAudit(given.store, route, event) });
const ok = { status: 200, body: {} };

describe('a denial', () => {
  test.each([
    ['without the scope', new Refusal('forbidden', 'No')],
    ['without a subscription', new Refusal('payment_required', 'No')],
    ['beyond a limit', new Retryable('limit_reached', 'No')],
    ['with a signature that is not ours', new Refusal('unauthorized', 'No')],
    ["of another tenant's id", new Refusal('not_found', 'No', { denied: true })],
  ])('%s is noted', async (_, error) => {
    const { entries, audit } = auditOf(getGraphRoute);
    await audit.refused(error);
    expect([...entries.values()]).toMatchObject([
      {
        type: 'denial',
        tenantId: 'acme',
        actor: 'ada',
        action: 'GET /v1/graphs/{graphId}',
        graphId: 'kg1',
        outcome: error.code,
      },
    ]);
  });

  test.each([
    ['what is not there', new Refusal('not_found', 'No')],
    ['what is not valid', new Refusal('invalid_request', 'No')],
    ['a fault of ours', new Error('It broke')],
  ])('is not: %s', async (_, error) => {
    const { entries, audit } = auditOf(getGraphRoute);
    await audit.refused(error);
    expect(entries.size).toBe(0);
  });

  test('that can not be noted is answered all the same', async () => {
    const { audit } = auditOf(getGraphRoute, storeThat({ failsAt: 1 }));
    await expect(audit.refused(new Refusal('forbidden', 'No'))).resolves.toBeUndefined();
  });
});

describe.each([
  ['an action on the fleet', setFlagsRoute, 'operator_action'],
  ['a command without an operation', consumeCreditsRoute, 'command'],
] as const)('%s', (_, route, type) => {
  test('is noted before it is done, and how it went after it', async () => {
    const { entries, audit } = auditOf(route);
    const act = async () => {
      expect(entries.get('request-1')).toMatchObject({
        type,
        outcome: 'asked',
        detail: '{"body":1}',
      });
      return ok;
    };
    expect(await audit.around({ body: 1 }, act)).toBe(ok);
    expect(entries.get('request-1')).toMatchObject({ outcome: '200', detail: '{"body":1}' });
  });

  test('that fails is noted with its code', async () => {
    const { entries, audit } = auditOf(route);
    const error = new Terminal('conflict', 'No');
    await expect(audit.around({}, () => Promise.reject(error))).rejects.toBe(error);
    expect(entries.get('request-1')).toMatchObject({ type, outcome: 'conflict' });
  });

  test('that is denied while it is done has that noted besides, not instead', async () => {
    const { entries, audit } = auditOf(route);
    const error = new Refusal('payment_required', 'No');
    await expect(audit.around({ body: 1 }, () => Promise.reject(error))).rejects.toBe(error);
    await audit.refused(error);
    expect([...entries.values()]).toMatchObject([
      { type, outcome: 'payment_required', detail: '{"body":1}' },
      { type: 'denial', outcome: 'payment_required', detail: 'No' },
    ]);
  });

  test('that can not be noted is not done', async () => {
    const { audit } = auditOf(route, storeThat({ failsAt: 1 }));
    let done = false;
    const act = async () => {
      done = true;
      return ok;
    };
    await expect(audit.around({}, act)).rejects.toBe(unwritable);
    expect(done).toBe(false);
  });

  test('that was done is answered, even if how it went can not be noted', async () => {
    const { entries, audit } = auditOf(route, storeThat({ failsAt: 2 }));
    expect(await audit.around({}, async () => ok)).toBe(ok);
    expect(entries.get('request-1')).toMatchObject({ outcome: 'asked' });
  });
});

test('every command is told by the log of an operation, or noted as itself', () => {
  const commands = ROUTES.filter((route) => isCommand(route) && route.scope !== null && !isOperatorAction(route));
  for (const { function: name, answers, audited } of commands) {
    const tellsOperation = [AcceptedView, OperationView].some((view) => view === answers[202]?.schema);
    expect(tellsOperation || audited, name).toBe(true);
  }
});

test('a command on an operation costs no entry: its log is one', async () => {
  const { entries, audit } = auditOf(createGraphRoute);
  expect(await audit.around({}, async () => ok)).toBe(ok);
  expect(entries.size).toBe(0);
});
