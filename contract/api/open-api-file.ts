import { openApiDocument } from './open-api.ts';

const DOCS = new URL('../../docs/', import.meta.url);

/** Where the OpenAPI document is committed. */
export const OPEN_API_FILE = new URL('openapi.json', DOCS);

/** The OpenAPI document, as it is committed. */
export const openApiText = (): string => `${JSON.stringify(openApiDocument(), null, 2)}\n`;
