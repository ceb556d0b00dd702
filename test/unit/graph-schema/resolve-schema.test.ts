import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASE_SCHEMAS, EXTENSIONS } from '../../../domain/graph/base-schemas.ts';
import { GraphSchemaDefinition } from '../../../domain/graph/graph-schema.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';
import { definition, issuesOf, node } from './schema-fixture.ts';

const names = ({ nodes, relationships }: { nodes: { name: string }[]; relationships: { name: string }[] }) =>
  [...nodes, ...relationships].map(({ name }) => name);

test('without a schema a graph has the base schema', () => {
  const { schema, issues } = resolveSchema({ schema: null, extensions: [] });
  expect(issues).toEqual([]);
  expect(names(schema)).toEqual(['Entity', 'RELATED_TO']);
});

test('a schema that extends nothing can be empty', () => {
  expect(issuesOf({ nodes: [] })).toEqual([]);
});

test('what is extended comes first, then the extensions in order, then the own tables', () => {
  const schema = definition({ extends: 'base' });
  const resolved = resolveSchema({ schema, extensions: ['people', 'documents'] });
  expect(resolved.issues).toEqual([]);
  expect(resolved.schema.nodes.map(({ name }) => name)).toEqual(['Entity', 'Person', 'Document', 'Company']);
  expect(resolved.schema).toMatchObject({ extends: 'base', extensions: ['people', 'documents'] });
});

test('types are written in their canonical form', () => {
  const nodes = [node('A', [{ name: 'price', type: ' map( string,decimal( 10,2 )[] ) ' }])];
  const { schema } = resolveSchema({ schema: definition({ nodes }), extensions: [] });
  expect(schema.nodes[0]?.properties[1]?.type).toBe('MAP(STRING, DECIMAL(10, 2)[])');
});

test('every named schema is valid by its own rules, alone and all together', () => {
  for (const schema of [...Object.values(BASE_SCHEMAS), ...Object.values(EXTENSIONS)])
    expect(GraphSchemaDefinition.safeParse({ name: 'named', ...schema }).error).toBeUndefined();
  const { issues } = resolveSchema({ schema: null, extensions: Object.keys(EXTENSIONS) });
  expect(issues).toEqual([]);
});

describe('what is named must be there', () => {
  test('the schema that is extended', () => {
    expect(issuesOf({ extends: 'toString' })).toEqual([
      'schema.extends: There is no schema toString to extend. Use base.',
    ]);
  });

  test('each extension, once', () => {
    expect(issuesOf({ extends: 'base' }, ['people', 'peple', 'people'])).toEqual([
      'extensions.1: There is no extension peple. Use documents, people, places.',
      'extensions.2: The extension people is already in the list. Name it once.',
    ]);
  });

  test('what an extension builds on', () => {
    expect(issuesOf({}, ['people'])).toEqual([
      'extensions.0: AFFILIATED_WITH needs the node Entity, which is not in the schema. ' +
        'Define it, or extend what defines it.',
    ]);
  });

  test('the ends of a relationship, in their spelling', () => {
    const relationships = [{ name: 'OWNS', from: 'Company', to: 'company' }];
    expect(issuesOf({ relationships })).toEqual([
      'schema.relationships.0.to: OWNS needs the node company, which is not in the schema. Write Company.',
    ]);
  });

  test('an end is a node, not another relationship', () => {
    const relationships = [
      { name: 'OWNS', from: 'Company', to: 'Company' },
      { name: 'PROVES', from: 'Company', to: 'OWNS' },
    ];
    expect(issuesOf({ relationships })).toEqual([expect.stringMatching(/^schema\.relationships\.1\.to: /)]);
  });
});

describe('names are taken once', () => {
  test('by nodes and relationships together, whatever their case', () => {
    const relationships = [{ name: 'COMPANY', from: 'Company', to: 'Company' }];
    expect(issuesOf({ relationships })).toEqual([
      expect.stringMatching(/^schema\.relationships\.0\.name: COMPANY is already defined as Company by this schema/),
    ]);
  });

  test('by what the schema extends', () => {
    expect(issuesOf({ extends: 'base', nodes: [node('entity')] })).toEqual([
      expect.stringMatching(/^schema\.nodes\.0\.name: entity is already defined as Entity by the schema base/),
    ]);
  });

  test('by properties of one table', () => {
    const nodes = [node('Company', [{ name: 'ID', type: 'DATE' }])];
    expect(issuesOf({ nodes })).toEqual([
      'schema.nodes.0.properties.1.name: There is already a property id; case does not tell names apart.',
    ]);
  });
});

describe('a node has one primary key', () => {
  test('not none', () => {
    expect(issuesOf({ nodes: [{ name: 'A', properties: [{ name: 'id', type: 'STRING' }] }] })).toEqual([
      'schema.nodes.0.properties: Give one property of A "primaryKey": true.',
    ]);
  });

  test('not two', () => {
    expect(issuesOf({ nodes: [node('A', [{ name: 'code', type: 'INT64', primaryKey: true }])] })).toEqual([
      'schema.nodes.0.properties.1.primaryKey: A already has the primary key id. Keep one.',
    ]);
  });

  test.each(['DOUBLE', 'BOOL', 'INTERVAL', 'BLOB', 'STRING[]', 'MAP(STRING, STRING)'])('not of type %s', (type) => {
    expect(issuesOf({ nodes: [{ name: 'A', properties: [{ name: 'id', type, primaryKey: true }] }] })).toEqual([
      expect.stringMatching(/^schema\.nodes\.0\.properties\.0\.type: A primary key can not be/),
    ]);
  });
});

describe('properties of one name have one type', () => {
  test('in all nodes', () => {
    const place = { name: 'Place', properties: [{ name: 'ID', type: 'INT64', primaryKey: true }] };
    expect(issuesOf({ nodes: [node('Company'), place] })).toEqual([
      'schema.nodes.1.properties.0.type: ID of Place is INT64, but that of Company is STRING. ' +
        'Properties of one name have one type in all tables: use it, or another name.',
    ]);
  });

  test('in all relationships, whatever the nodes have', () => {
    const owns = { name: 'OWNS', from: 'Company', to: 'Company', properties: [{ name: 'id', type: 'DATE' }] };
    const knows = { name: 'KNOWS', from: 'Company', to: 'Company', properties: [{ name: 'id', type: 'date' }] };
    expect(issuesOf({ relationships: [owns, knows] })).toEqual([]);
    knows.properties = [{ name: 'id', type: 'DATE[]' }];
    expect(issuesOf({ relationships: [owns, knows] })).toEqual([
      expect.stringMatching(/^schema\.relationships\.1\.properties\.0\.type: /),
    ]);
  });

  test('in what is extended too', () => {
    const nodes = [node('Company', [{ name: 'createdAt', type: 'DATE' }])];
    expect(issuesOf({ extends: 'base', nodes })).toEqual([
      expect.stringMatching(/^schema\.nodes\.0\.properties\.1\.type: createdAt of Company is DATE/),
    ]);
  });
});

test('a relationship can not have properties named like its ends', () => {
  const relationships = [
    { name: 'OWNS', from: 'Company', to: 'Company', properties: [{ name: 'From', type: 'DATE' }] },
  ];
  expect(issuesOf({ relationships })).toEqual([
    expect.stringMatching(/^schema\.relationships\.0\.properties\.0\.name: From names an end/),
  ]);
});

test('the order of extensions changes the order of the tables and nothing else', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.keys(EXTENSIONS)), (extensions) => {
      const { schema, issues } = resolveSchema({ schema: null, extensions });
      const sorted = resolveSchema({ schema: null, extensions: extensions.toSorted() });
      expect(issues).toEqual([]);
      expect(names(schema).toSorted()).toEqual(names(sorted.schema).toSorted());
    }),
  );
});
