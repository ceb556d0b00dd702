import type { Identity } from './start-identity.ts';

/** Tokens to try the API with: two tenants that must not see each other, and an operator. */
export type Tokens = { tenant: string; otherTenant: string; operator: string };

/** Who they belong to. */
export const DEVELOPMENT_TENANTS = ['acme', 'globex', 'operations'] as const;

export const developmentTokens = async (identity: Identity): Promise<Tokens> => {
  const scopes = ['graphs:read', 'graphs:write'] as const;
  const [acme, globex, operations] = DEVELOPMENT_TENANTS;
  const [tenant, otherTenant, operator] = await Promise.all([
    identity.sign({ subject: 'ada', tenantId: acme, scopes }),
    identity.sign({ subject: 'grace', tenantId: globex, scopes }),
    identity.sign({ subject: 'olga', tenantId: operations, scopes: [...scopes, 'fleet:read', 'fleet:operate'] }),
  ]);
  return { tenant, otherTenant, operator };
};
