import { LeftoverSweep } from '../../domain/reconciliation/leftover-sweep.ts';
import { DynamoRotationStore } from '../../domain/rotation/dynamo-rotation-store.ts';
import { creditStores, graphQuota } from './billing.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';
import { instanceStore } from './fleet.ts';
import { graphStore, subgraphPlaces } from './graph.ts';
import { operationLog } from './operation.ts';
import { repositoryAccessStore } from './repository.ts';

export const rotationStore = (environment: HasControlTable) => new DynamoRotationStore(table(environment));
export const leftoverSweep = (environment: HasControlTable) =>
  new LeftoverSweep({
    ...creditStores(environment),
    operations: operationLog(environment),
    graphs: graphStore(environment),
    places: subgraphPlaces(environment),
    instances: instanceStore(environment),
    quota: graphQuota(environment),
    accesses: repositoryAccessStore(environment),
  });
