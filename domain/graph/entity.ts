import * as z from 'zod';
import type { FieldIssue } from '../failure.ts';
import { entityValueIssue } from './entity-value.ts';
import type { GraphKind } from './graph-kind.ts';
import type { NodeTable, ResolvedSchema } from './graph-schema.ts';
import { parsePropertyType } from './property-type.ts';
import { SchemaName } from './schema-name.ts';

/** The row that an entity graph begins with. */
export const EntityInput = z
  .strictObject({
    table: SchemaName.meta({ description: 'A node of the schema.' }),
    properties: z.record(z.string(), z.json()).meta({
      description:
        'Values by property name. Integers beyond 2^53 and decimals as strings, dates as YYYY-MM-DD, timestamps in ' +
        'RFC 3339 with Z, intervals in ISO 8601, blobs in base64.',
    }),
  })
  .meta({ id: 'EntityInput' });
export type EntityInput = z.infer<typeof EntityInput>;

export type EntityRequest = {
  kind: GraphKind;
  entity: EntityInput | null;
  /** False: the schema of an entity graph without its entity. */
  createEntity: boolean;
  schema: ResolvedSchema;
};

/** The row to create, if any, and what is wrong with it. The entity is to be used only when there are no issues. */
export const resolveEntity = ({
  kind,
  entity,
  createEntity,
  schema,
}: EntityRequest): { entity: EntityInput | null; issues: FieldIssue[] } => {
  if (kind === 'generic') return { entity: null, issues: entity === null ? [] : [entityOfGenericGraph] };
  if (entity === null) return { entity: null, issues: createEntity ? [entityMissing] : [] };
  // Checked even when it is not created: a typo that passes today would fail the call that leaves the flag out.
  return { entity: createEntity ? entity : null, issues: entityIssues(entity, schema) };
};

const entityOfGenericGraph: FieldIssue = {
  path: 'entity',
  message: 'A generic graph has no first entity. Ask for "kind": "entity" or leave the entity out.',
};

const entityMissing: FieldIssue = {
  path: 'entity',
  message: 'An entity graph begins with an entity. Give it, or set createEntity to false.',
};

/** What is wrong with an entity by the schema of its graph, under paths like `entity.properties.founded`. */
export const entityIssues = (entity: EntityInput, schema: ResolvedSchema): FieldIssue[] => {
  const table = schema.nodes.find(({ name }) => name === entity.table);
  if (table === undefined) {
    const names = schema.nodes.map(({ name }) => name).join(', ') || 'none';
    return [{ path: 'entity.table', message: `The schema has no node ${entity.table}. Its nodes: ${names}.` }];
  }
  return [...keyIssues(entity, table), ...valueIssues(entity, table)];
};

const keyIssues = ({ properties }: EntityInput, table: NodeTable): FieldIssue[] =>
  table.properties
    .filter(({ name, primaryKey }) => primaryKey && (!Object.hasOwn(properties, name) || properties[name] === null))
    .map(({ name }) => ({
      path: `entity.properties.${name}`,
      message: `${name} is the primary key of ${table.name}. Give it a value.`,
    }));

const valueIssues = ({ properties }: EntityInput, table: NodeTable): FieldIssue[] =>
  Object.entries(properties).flatMap(([name, value]) => {
    const path = `entity.properties.${name}`;
    const property = table.properties.find((candidate) => candidate.name === name);
    if (property === undefined) {
      const names = table.properties.map((candidate) => candidate.name).join(', ');
      return [{ path, message: `${table.name} has no property ${name}. Its properties: ${names}.` }];
    }
    const type = parsePropertyType(property.type);
    const message = type === undefined ? `${property.type} is not a type.` : entityValueIssue(type, value);
    return message === undefined ? [] : [{ path, message }];
  });
