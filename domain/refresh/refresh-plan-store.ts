import type { InstanceRefreshResult } from './refresh.ts';
import type { RefreshPlan } from './refresh-plan.ts';
import type { Walk } from './refresh-walk.ts';

/**
 * Where the plans of refreshes are kept, each with how far it is and what became of its instances. Each method is one
 * conditional write, or one read that is consistent.
 */
export interface RefreshPlanStore {
  /** Keeps a plan, unless there is one. */
  create(operationId: string, plan: RefreshPlan): Promise<void>;
  get(operationId: string): Promise<RefreshPlan | undefined>;
  getWalk(operationId: string): Promise<Walk | undefined>;
  /** Keeps a walk as the version after its own. False: another run was faster. */
  moveWalk(operationId: string, walk: Walk): Promise<boolean>;
  /** Keeps what became of the instance at a place; repeating it is harmless. */
  putResult(operationId: string, place: number, result: InstanceRefreshResult): Promise<void>;
  /** What became of the instances from a place on, up to and without another, by place. */
  results(operationId: string, from: number, to: number): Promise<Map<number, InstanceRefreshResult>>;
}
