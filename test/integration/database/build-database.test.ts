import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXTENSIONS } from '../../../domain/graph/base-schemas.ts';
import { GraphSchemaDefinition } from '../../../domain/graph/graph-schema.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';
import { KEY_TYPES, MAP_KEY_TYPES, SCALAR_TYPES } from '../../../domain/graph/supported-types.ts';
import { createDatabase, insertEntity } from '../../../instance/database/build-database.ts';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { DatabaseTemplates } from '../../../instance/database-templates.ts';
import { openGraph, scratchDirectory } from './graph-fixture.ts';

const base = resolveSchema({ schema: null, extensions: Object.keys(EXTENSIONS) }).schema;
const acme = { table: 'Entity', properties: { identifier: 'acme', name: "O'Neill `&` Co" } };

test('a graph is one file, with its entity in it', async () => {
  await using directory = await scratchDirectory();
  const file = join(directory.path, 'graph.lbug');
  await createDatabase(file, base);
  await insertEntity(file, acme, base);
  expect(await readdir(directory.path)).toEqual(['graph.lbug']);
});

test('an empty schema is a graph too', async () => {
  await using directory = await scratchDirectory();
  const file = join(directory.path, 'graph.lbug');
  await createDatabase(file, { ...base, nodes: [], relationships: [] });
  const database = await openReadOnly(file);
  await database.close();
});

test('copies of a template are graphs of their own, also when many are made at once', async () => {
  await using directory = await scratchDirectory();
  const templates = new DatabaseTemplates(directory.path);
  const files = Array.from({ length: 8 }, (_, index) => join(directory.path, `graph-${index}.lbug`));
  await Promise.all(files.map((file) => templates.copyTo(file, base)));
  await insertEntity(files[0] ?? '', acme, base);
  const counts = await Promise.all(
    files.map(async (file) => {
      const database = await openReadOnly(file);
      const answer = await database.query({ cypher: 'MATCH (e:Entity) RETURN count(e)', limit: 1, timeoutMs: 10_000 });
      const { value } = await answer.rows().next();
      await answer.close();
      await database.close();
      return value?.[0];
    }),
  );
  expect(counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  // One template beside the eight copies.
  expect(await readdir(directory.path)).toHaveLength(9);
});

test('a build that fails leaves nothing', async () => {
  await using directory = await scratchDirectory();
  const file = join(directory.path, 'graph.lbug');
  const entity = { table: 'Entity', properties: { identifier: 'acme', createdAt: 'yesterday' } };
  await createDatabase(file, base);
  await expect(insertEntity(file, entity, base)).rejects.toThrow(/yesterday/);
  expect(await readdir(directory.path)).toEqual([]);
});

test('several graphs are built at once', async () => {
  await using directory = await scratchDirectory();
  const files = Array.from({ length: 8 }, (_, index) => join(directory.path, `graph-${index}.lbug`));
  await Promise.all(
    files.map(async (file) => {
      await createDatabase(file, base);
      await insertEntity(file, acme, base);
    }),
  );
  expect(await readdir(directory.path)).toHaveLength(8);
});

test('the first entity has its values, exactly as they were given', async () => {
  const values: [type: string, given: string | number | boolean | (string | number | null)[], read?: unknown][] = [
    ['STRING', "'; DROP TABLE Entity; //` \\ \u{1F600}"],
    ['BOOL', true],
    ['INT8', -128],
    ['INT64', '-9223372036854775808'],
    ['UINT64', '18446744073709551615'],
    ['INT128', '170141183460469231731687303715884105727'],
    ['DOUBLE', 0.1],
    ['FLOAT', 1],
    ['DECIMAL(38, 10)', '1234567890123456789012345678.0123456789'],
    ['DATE', '2024-02-29'],
    ['TIMESTAMP', '2024-02-29T12:34:56.123456Z'],
    ['TIMESTAMP_TZ', '2024-02-29T12:34:56.123456Z'],
    ['TIMESTAMP_MS', '2024-02-29T12:34:56.123Z'],
    ['TIMESTAMP_SEC', '2024-02-29T12:34:56Z'],
    ['INTERVAL', 'P1Y2M3DT4H5M6.000789S'],
    ['UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['BLOB', 'AP8nIlxg'],
    ['INT64[]', ['9223372036854775807', 1, null], ['9223372036854775807', 1, null]],
    ['DATE[]', []],
    ['STRING[]', [null]],
    ['DOUBLE[2]', [1, 2.5]],
  ];
  const properties = values.map(([type], index) => ({ name: `p${index}`, type }));
  const given = Object.fromEntries(values.map(([, value], index) => [`p${index}`, value]));
  await using graph = await openGraph({
    nodes: [{ name: 'Order', properties: [{ name: 'select', type: 'STRING', primaryKey: true }, ...properties] }],
    entity: { table: 'Order', properties: { select: 'the key', ...given } },
  });
  expect(await graph.rows(`MATCH (n:\`Order\`) RETURN n`)).toEqual([
    [{ id: '0:0', label: 'Order', properties: { select: 'the key', ...given } }],
  ]);
});

test('every schema that passes validation is accepted by the engine', async () => {
  await using directory = await scratchDirectory();
  const identifier = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,62}$/);
  const keyword = fc.constantFrom('Order', 'All', 'Null', 'Match', 'Table', 'id', 'label', 'offset', 'csv', 'nodes');
  const name = fc.oneof(identifier, keyword);
  const scalar = fc.constantFrom(...SCALAR_TYPES);
  const decimal = fc
    .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.nat(38) })
    .map(({ precision, scale }) => `DECIMAL(${precision}, ${Math.min(precision, scale)})`);
  const flat = fc.oneof(scalar, decimal);
  const type = fc.oneof(
    flat,
    flat.map((element) => `${element}[]`),
    fc.tuple(flat, fc.integer({ min: 1, max: 8 })).map(([element, length]) => `${element}[${length}]`),
    fc.tuple(fc.constantFrom(...MAP_KEY_TYPES), flat).map(([key, value]) => `MAP(${key}, ${value})`),
    fc.tuple(identifier, flat).map(([field, element]) => `STRUCT(${field} ${element})[]`),
  );
  const property = fc.record({ name, type });
  const node = fc.record({
    name,
    properties: fc
      .tuple(
        fc.record({ name, type: fc.constantFrom(...KEY_TYPES), primaryKey: fc.constant(true) }),
        fc.array(property, { maxLength: 4 }),
      )
      .map(([key, others]) => [key, ...others]),
  });
  const definition = fc.array(node, { minLength: 1, maxLength: 3 }).chain((nodes) => {
    const end = fc.constantFrom(...nodes.map((each) => each.name));
    const relationship = fc.record({ name, from: end, to: end, properties: fc.array(property, { maxLength: 2 }) });
    return fc.record({ nodes: fc.constant(nodes), relationships: fc.array(relationship, { maxLength: 2 }) });
  });
  let built = 0;
  await fc.assert(
    fc.asyncProperty(definition, async (given) => {
      const schema = GraphSchemaDefinition.parse({ name: 'any', version: '1.0.0', ...given });
      const resolution = resolveSchema({ schema, extensions: [] });
      if (resolution.issues.length > 0) return;
      await createDatabase(join(directory.path, `${randomUUID()}.lbug`), resolution.schema);
      built += 1;
    }),
    { numRuns: 150 },
  );
  expect(built).toBeGreaterThan(50);
});
