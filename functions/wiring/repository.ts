import { DynamoRepositoryAccessStore } from '../../domain/repository/dynamo-repository-access-store.ts';
import { DynamoRepositoryStore } from '../../domain/repository/dynamo-repository-store.ts';
import { SharedRepositories } from '../../domain/repository/shared-repositories.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasWorkflows } from './environment.ts';
import { graphStore } from './graph.ts';
import { operationCommands, operationLog } from './operation.ts';

export const repositoryStore = (environment: HasControlTable) => new DynamoRepositoryStore(table(environment));
export const repositoryAccessStore = (environment: HasControlTable) =>
  new DynamoRepositoryAccessStore(table(environment));
export const sharedRepositories = (environment: HasControlTable & HasWorkflows) =>
  new SharedRepositories({
    repositories: repositoryStore(environment),
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
  });
