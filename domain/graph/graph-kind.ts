export const GRAPH_KINDS = ['generic', 'entity'] as const;

/** Whether a graph begins empty or with its first entity. */
export type GraphKind = (typeof GRAPH_KINDS)[number];
