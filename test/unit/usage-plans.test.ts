import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCOPES } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import { CALLER_KINDS, callerKindOf, usagePlanKey } from '../../contract/usage-plans.ts';
import { Configuration, namePrefixOf } from '../../lib/configuration-schema.ts';

describe('the kind of a caller', () => {
  const anyScope = fc.oneof(
    fc.constantFrom(...SCOPES),
    fc.constantFrom('openid', 'fleet', 'fleet:', 'fleet:other', ''),
  );
  const needed = [
    ...new Set(ROUTES.flatMap(({ scope, operatorScope }) => [scope, operatorScope]).filter((scope) => scope != null)),
  ];

  test('is an operator with any scope of the fleet that a route asks for, beside whatever other ones', () => {
    const ofFleet = needed.filter((scope) => scope.startsWith('fleet:'));
    expect(ofFleet.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.array(anyScope), fc.constantFrom(...ofFleet), fc.array(anyScope), (before, scope, after) => {
        expect(callerKindOf([...before, scope, ...after].join(' '))).toBe('operators');
      }),
    );
  });

  test('is a tenant without one, also with words that look like one', () => {
    const ofGraphs = needed.filter((scope) => !scope.startsWith('fleet:'));
    const others = fc.constantFrom(...ofGraphs, 'openid', 'fleet', 'fleet:', 'fleet:reader', 'xfleet:read', '');
    fc.assert(
      fc.property(fc.array(others), (scopes) => {
        expect(callerKindOf(scopes.join(' '))).toBe('tenants');
      }),
    );
  });
});

describe('the key of a usage plan', () => {
  const stages = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,19}$/)
    .filter((stage) => Configuration.shape.stage.safeParse(stage).success);
  const kinds = fc.constantFrom(...CALLER_KINDS);

  test('is what API Gateway takes, whatever the stage is called', () => {
    fc.assert(
      fc.property(stages, kinds, (stage, kind) => {
        expect(usagePlanKey(namePrefixOf({ stage }), kind)).toMatch(/^[A-Za-z0-9]{20,128}$/);
      }),
    );
  });

  test('is the same each time, and of another stage or kind another', () => {
    const caller = fc.tuple(stages, kinds);
    const keyOf = ([stage, kind]: [string, (typeof CALLER_KINDS)[number]]) =>
      usagePlanKey(namePrefixOf({ stage }), kind);
    fc.assert(
      fc.property(caller, caller, (one, other) => {
        expect(keyOf([...one])).toBe(keyOf(one));
        expect(keyOf(one) === keyOf(other)).toBe(one.join() === other.join());
      }),
    );
  });
});
