import type { NodeTable, RelationshipTable } from './graph-schema.ts';

/** Tables under a name, which a schema can extend (`base`) or a graph can add (an extension). */
export type NamedSchema = { version: string; nodes: NodeTable[]; relationships: RelationshipTable[] };

const key = (name: string) => ({ name, type: 'STRING', primaryKey: true });
const property = (name: string, type: string) => ({ name, type, primaryKey: false });

/** What a schema can extend. An entity graph's first row usually goes to `Entity`. */
export const BASE_SCHEMAS: Readonly<Record<string, NamedSchema>> = {
  base: {
    version: '1.0.0',
    nodes: [
      {
        name: 'Entity',
        properties: [
          key('identifier'),
          property('name', 'STRING'),
          property('category', 'STRING'),
          property('createdAt', 'TIMESTAMP'),
        ],
      },
    ],
    relationships: [
      { name: 'RELATED_TO', from: 'Entity', to: 'Entity', properties: [{ name: 'kind', type: 'STRING' }] },
    ],
  },
};

/** What a graph can add. Each builds on `base`. */
export const EXTENSIONS: Readonly<Record<string, NamedSchema>> = {
  documents: {
    version: '1.0.0',
    nodes: [
      {
        name: 'Document',
        properties: [
          key('identifier'),
          property('title', 'STRING'),
          property('mediaType', 'STRING'),
          property('source', 'STRING'),
          property('publishedAt', 'TIMESTAMP'),
        ],
      },
    ],
    relationships: [
      { name: 'MENTIONS', from: 'Document', to: 'Entity', properties: [{ name: 'excerpt', type: 'STRING' }] },
    ],
  },
  people: {
    version: '1.0.0',
    nodes: [
      {
        name: 'Person',
        properties: [
          key('identifier'),
          property('name', 'STRING'),
          property('email', 'STRING'),
          property('bornOn', 'DATE'),
        ],
      },
    ],
    relationships: [
      {
        name: 'AFFILIATED_WITH',
        from: 'Person',
        to: 'Entity',
        properties: [
          { name: 'role', type: 'STRING' },
          { name: 'since', type: 'DATE' },
          { name: 'until', type: 'DATE' },
        ],
      },
    ],
  },
  places: {
    version: '1.0.0',
    nodes: [
      {
        name: 'Place',
        properties: [
          key('identifier'),
          property('name', 'STRING'),
          property('country', 'STRING'),
          property('latitude', 'DOUBLE'),
          property('longitude', 'DOUBLE'),
        ],
      },
    ],
    relationships: [{ name: 'LOCATED_IN', from: 'Entity', to: 'Place', properties: [{ name: 'since', type: 'DATE' }] }],
  },
};
