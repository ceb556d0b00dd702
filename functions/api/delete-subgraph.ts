import { deleteSubgraphRoute } from '../../contract/api/subgraph-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { hostOf } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { countNodes } from '../../domain/fleet/node-count.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { type Graph, subgraphIdOf } from '../../domain/graph/graph.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphDeletion, graphStore } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** DELETE /v1/graphs/{graphId}/subgraphs/{name}: deletes a subgraph; one with something in it only by `force`. */
export const handler = apiFunction('delete-subgraph', deleteSubgraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const deletion = graphDeletion(environment);
  const pauses = pauseGate(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();

  /**
   * The snapshot that is seen to be empty. The workflow holds on to it: should another one come, it is not deleted.
   * @throws {Refusal} `conflict`
   */
  const emptyVersionOf = async (subgraph: Graph): Promise<number | null> => {
    const { name, snapshot } = subgraph;
    // A deletion that stopped has left nothing to look at.
    if (snapshot === null) return null;
    const nodes = await countNodes(client, await hostOf(subgraph, graphs, instances), { ...subgraph, snapshot });
    if (nodes === 0n) return snapshot.version;
    throw new Refusal('conflict', `"${name}" has ${nodes} nodes; it is deleted with them when you say "force": true.`);
  };

  return async (call) => {
    const { tenantId, actor, params, idempotencyKey } = call;
    const { graphId: parentId, name } = params;
    const force = call.query.force ?? call.body.force;
    const backup = call.query.backupFirst ?? call.body.backupFirst;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const asked = { operationId, kind: 'subgraph.delete', tenantId, actor } as const;
    const body = { parentId, name, force, backup };
    // A repeated call gets the first one's answer, whatever has become of the subgraph.
    const earlier = await operations.find(operationId);
    if (earlier !== undefined) {
      return accepted(await commands.accept({ ...asked, graphId: earlier.graphId, request: null, body }));
    }
    const subgraph = await subgraphOf(await graphOf(graphs, operations, tenantId, parentId), name);
    const { graphId } = subgraph;
    await pauses.pass(subgraph.tier);
    await deletion.check(subgraph, operationId);
    const emptyVersion = force ? null : await emptyVersionOf(subgraph);
    const request: DeletionRequest = { backup, place: { parentId, name }, emptyVersion };
    return accepted(await commands.accept({ ...asked, graphId, request, body }));
  };

  async function subgraphOf(parent: Graph, name: string): Promise<Graph> {
    const graphId = subgraphIdOf(parent, name);
    const none = new Refusal('not_found', `The graph "${parent.graphId}" has no subgraph "${name}".`);
    if (graphId === undefined) throw none;
    return graphOf(graphs, operations, parent.tenantId, graphId);
  }
});
