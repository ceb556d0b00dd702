import type { RuntimeDescription } from './runtime.ts';

/** Creates a graph: two node tables, a relationship with properties, and a first entity. */
const CREATE = String.raw`KEY=$(node -p 'crypto.randomUUID()')
REQUEST='{
  "name": "Acme",
  "kind": "entity",
  "schema": {
    "name": "companies", "version": "1.0.0",
    "nodes": [
      { "name": "Company", "properties": [
        { "name": "id", "type": "STRING", "primaryKey": true },
        { "name": "founded", "type": "DATE" },
        { "name": "revenue", "type": "DOUBLE" } ] },
      { "name": "Person", "properties": [
        { "name": "id", "type": "STRING", "primaryKey": true },
        { "name": "born", "type": "DATE" } ] } ],
    "relationships": [
      { "name": "OWNS", "from": "Person", "to": "Company", "properties": [
        { "name": "share", "type": "DOUBLE" },
        { "name": "since", "type": "DATE" } ] } ] },
  "entity": { "table": "Company",
    "properties": { "id": "acme", "founded": "1949-03-01", "revenue": 1234.5 } }
}'
CREATED=$(curl -s "$URL/v1/graphs" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $KEY" -d "$REQUEST")
echo "$CREATED"
OPERATION=$(node -p 'JSON.parse(process.argv[1]).operationId' "$CREATED")
GRAPH=$(node -p 'JSON.parse(process.argv[1]).graphId' "$CREATED")`;

const FOLLOW = String.raw`curl -sN "$URL/v1/operations/$OPERATION/events" -H "Authorization: Bearer $TOKEN" \
  -H 'Accept: text/event-stream'`;

const QUERY = String.raw`curl -s "$URL/v1/graphs/$GRAPH/query" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{ "cypher": "MATCH (c:Company) RETURN c.id, c.founded, c.revenue" }'`;

/** The calls to begin with. The README has the same ones, with their answers and more. */
export const FIRST_CALLS: readonly { says: string; call: string }[] = [
  { says: 'Create a graph with a schema and a first entity:', call: CREATE },
  { says: 'Follow it live:', call: FOLLOW },
  { says: 'Query it:', call: QUERY },
];

/** What to try first, as it is printed when the runtime is ready. */
export const tour = ({ url, tokens }: Pick<RuntimeDescription, 'url' | 'tokens'>): string => `
Graphfleet listens on ${url}

In another terminal (bash or zsh):

${indented(`export URL=${url}\nexport TOKEN=${tokens.tenant}`)}
${FIRST_CALLS.map(({ says, call }) => `\n${says}\n\n${indented(call)}\n`).join('')}
The whole API: ${url}/v1/openapi.json · Ctrl-C stops it; what was made is kept in the data directory.
`;

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
