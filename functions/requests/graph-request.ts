import type { CreateGraph } from '../../contract/api/graphs.ts';
import { invalidRequest, Refusal } from '../../domain/failure.ts';
import { resolveEntity } from '../../domain/graph/entity.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { resolveSchema } from '../../domain/graph/resolve-schema.ts';

/** A request is kept in one item of the log, which holds 400 KB; numbers and merged schemas can be longer than the body. */
const MAX_REQUEST_BYTES = 300_000;

/**
 * The graph that a body asks for, its schema merged; checked as a whole before anything is allocated.
 * @throws {Refusal} `invalid_request`, with every issue of the schema, or every issue of the entity; `too_large`
 */
export const graphRequestFrom = (body: CreateGraph): GraphRequest => {
  const { name, kind, tier, tags, createEntity } = body;
  const { schema, issues: schemaIssues } = resolveSchema(body);
  // An entity can only be held against a schema that is whole.
  const { entity, issues } =
    schemaIssues.length > 0
      ? { entity: null, issues: schemaIssues }
      : resolveEntity({ kind, entity: body.entity, createEntity, schema });
  if (issues.length > 0) throw invalidRequest(issues);
  const request = { name, kind, tier, tags, schema, entity };
  const bytes = Buffer.byteLength(JSON.stringify(request));
  if (bytes > MAX_REQUEST_BYTES) {
    throw new Refusal(
      'too_large',
      `The request is ${bytes} bytes as it is kept; this service takes ${MAX_REQUEST_BYTES}.`,
    );
  }
  return request;
};
