import { type CreditDebtStore, closePool } from '../billing/credit-debts.ts';
import type { CreditStore } from '../billing/credits.ts';
import type { GraphQuota } from '../billing/graph-quota.ts';
import type { InstanceStore } from '../fleet/instance.ts';
import type { GraphStore } from '../graph/graph.ts';
import type { SubgraphPlaces } from '../graph/subgraph-places.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { endAccess } from '../repository/end-access.ts';
import { creditPoolOf, type RepositoryAccess, type RepositoryAccessStore } from '../repository/repository-access.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';

type Parts = {
  operations: Pick<OperationLog, 'find'>;
  graphs: Pick<GraphStore, 'get' | 'remove' | 'listProvisioning'>;
  places: Pick<SubgraphPlaces, 'giveBack'>;
  instances: Pick<InstanceStore, 'freeSlot'>;
  quota: Pick<GraphQuota, 'release'>;
  accesses: Pick<RepositoryAccessStore, 'get' | 'end' | 'remove' | 'listUnsettled'>;
  credits: Pick<CreditStore, 'revoke'>;
  debts: CreditDebtStore;
};

/**
 * Removes records that nobody answers for any more: a run of a step that was late for its operation, and died between
 * its write and taking it back, leaves a graph that is provisioning or an access that is being granted; a call that was
 * cut short leaves an access that is ending. What is removed is removed by proof: the operation that made it is over,
 * with nothing left of it to undo, and while it is not in use no other can have come to name it.
 */
export class LeftoverSweep {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Looks through the next `limit` graphs and as many accesses. One that can not be helped now does not hold up others. */
  async takeTurn(
    rotations: RotationStore,
    limit: number,
  ): Promise<{ graphs: number; accesses: number; failed: number }> {
    const { graphs, accesses } = this.#parts;
    const provisioning = await nextTurn(rotations, 'provisioning-graphs', limit, (page) =>
      graphs.listProvisioning(page),
    );
    const unsettled = await nextTurn(rotations, 'unsettled-accesses', limit, (page) => accesses.listUnsettled(page));
    const swept = await Promise.allSettled(provisioning.map(({ graphId }) => this.#sweepGraph(graphId)));
    const ended = await Promise.allSettled(unsettled.map((access) => this.#sweepAccess(access)));
    const count = (outcomes: readonly PromiseSettledResult<boolean>[]) =>
      outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length;
    const failed = [...swept, ...ended].filter(({ status }) => status === 'rejected').length;
    return { graphs: count(swept), accesses: count(ended), failed };
  }

  async #sweepGraph(graphId: string): Promise<boolean> {
    const { graphs, places, instances, quota } = this.#parts;
    const graph = await graphs.get(graphId);
    // What has a snapshot, or is in use, is more than a late run leaves.
    if (graph === undefined || graph.status !== 'provisioning' || graph.snapshot !== null) return false;
    const { tenantId, createdBy, parentId, name, placement, slotHolder } = graph;
    if (!(await this.#isOver(createdBy))) return false;
    if (parentId !== null) {
      await places.giveBack({ parentId, name, graphId }, createdBy);
      return true;
    }
    // The record comes last: by it the rest is found.
    if (placement !== null) await instances.freeSlot(placement, graphId, slotHolder);
    await quota.release(tenantId, graphId);
    await graphs.remove(graphId, createdBy);
    return true;
  }

  async #sweepAccess({ tenantId, repository }: RepositoryAccess): Promise<boolean> {
    const { accesses } = this.#parts;
    const access = await accesses.get(tenantId, repository);
    if (access?.status === 'ending') return endAccess(accesses, this.#parts, access);
    if (access?.status !== 'granting' || !(await this.#isOver(access.operationId))) return false;
    const { operationId } = access;
    await closePool(this.#parts, { tenantId, kind: repository, pool: creditPoolOf(repository, operationId) });
    await accesses.remove(tenantId, repository, operationId, ['granting']);
    return true;
  }

  /** An undo that failed can be taken up again: until then the operation answers for what it made. */
  async #isOver(operationId: string): Promise<boolean> {
    const operation = await this.#parts.operations.find(operationId);
    return operation !== undefined && isTerminal(operation.status) && operation.status !== 'compensation_failed';
  }
}
