import type { RuntimeDescription } from './runtime.ts';

/** What to try first, as it is printed when the runtime is ready. The README's tour is the same, with the answers. */
export const tour = ({ url, tokens }: Pick<RuntimeDescription, 'url' | 'tokens'>): string => `
Graphfleet listens on ${url}

  export URL=${url}
  export TOKEN=${tokens.tenant}

Create a graph with a schema and a first entity:

  curl -s $URL/v1/graphs -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{
    "name": "Acme", "kind": "entity", "schema": { "name": "companies", "version": "1.0.0",
      "nodes": [ { "name": "Company", "properties": [
        { "name": "id", "type": "STRING", "primaryKey": true }, { "name": "founded", "type": "DATE" } ] } ],
      "relationships": [ { "name": "OWNS", "from": "Company", "to": "Company",
        "properties": [ { "name": "share", "type": "DOUBLE" } ] } ] },
    "entity": { "table": "Company", "properties": { "id": "acme", "founded": "1949-03-01" } } }'

Follow it live (put the operationId of the answer in):

  curl -sN $URL/v1/operations/$OPERATION/events -H "Authorization: Bearer $TOKEN" -H 'Accept: text/event-stream'

Query it (put the graphId of the answer in):

  curl -s $URL/v1/graphs/$GRAPH/query -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{ "cypher": "MATCH (c:Company) RETURN c.id, c.founded" }'

The whole API: $URL/v1/openapi.json · Ctrl-C stops it; what was made is kept in the data directory.
`;
