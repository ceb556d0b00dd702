/** The kinds that a tenant can ask for: whether a graph begins empty or with its first entity. */
export const GRAPH_KINDS = ['generic', 'entity'] as const;

/** All kinds; a `repository` is the fleet's own, for many tenants to read. */
export const STORED_GRAPH_KINDS = [...GRAPH_KINDS, 'repository'] as const;
export type GraphKind = (typeof STORED_GRAPH_KINDS)[number];
