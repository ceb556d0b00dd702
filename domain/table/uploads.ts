/** Files are what tables are staged from, not where rows are kept: the bucket removes uploads after as long. */
export const FILE_KEPT_DAYS = 7;

/** Every upload, and nothing else, has a key with this prefix. */
export const UPLOADS_PREFIX = 'uploads/';

/** Every upload of a graph, and nothing else, has a key with this prefix. */
export const uploadsPrefix = (graphId: string): string => `${UPLOADS_PREFIX}${graphId}/`;
