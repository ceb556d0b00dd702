import { DynamoDeletionStore } from '../../domain/graph/dynamo-deletion-store.ts';
import { DynamoGraphMoveStore } from '../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../domain/graph/dynamo-graph-writer-store.ts';
import { DynamoSubgraphStore } from '../../domain/graph/dynamo-subgraph-store.ts';
import { GraphDeletion } from '../../domain/graph/graph-deletion.ts';
import { GraphWriters } from '../../domain/graph/graph-writers.ts';
import { SubgraphPlaces } from '../../domain/graph/subgraph-places.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';
import { operationLog } from './operation.ts';
import { tableStore } from './table.ts';

export const graphStore = (environment: HasControlTable) => new DynamoGraphStore(table(environment));
export const graphMoveStore = (environment: HasControlTable) => new DynamoGraphMoveStore(table(environment));
export const graphWriters = (environment: HasControlTable) =>
  new GraphWriters(new DynamoGraphWriterStore(table(environment)), graphStore(environment), operationLog(environment));
export const graphDeletion = (environment: HasControlTable) =>
  new GraphDeletion(
    graphStore(environment),
    new DynamoDeletionStore(table(environment)),
    operationLog(environment),
    tableStore(environment),
  );

export const subgraphStore = (environment: HasControlTable) => new DynamoSubgraphStore(table(environment));
export const subgraphPlaces = (environment: HasControlTable) =>
  new SubgraphPlaces(graphStore(environment), subgraphStore(environment), operationLog(environment));
