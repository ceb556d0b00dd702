import type { FleetTier } from './tier.ts';

/** What an instance's service is to run. */
export type WantedInstance = {
  tier: FleetTier;
  /** Digest of the image: `sha256:…` */
  image: string;
  /** Of the instance; its task finds it in its environment. */
  generation: number;
};

/**
 * `deployed`: the service runs, or is about to run, what was asked for, by this call or an earlier one; `superseded`: it
 * is of a later generation, and stays so.
 */
export type Deployment = 'deployed' | 'superseded';

/** A task of an instance's service. */
export type ServiceTask = {
  taskArn: string;
  /** Of ECS: `PENDING`, `RUNNING`, `STOPPED` … */
  status: string;
  health: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
  /** It is of the service's present generation. */
  isPresent: boolean;
  stoppedReason: string | null;
  /** Null while it runs, or when it never started. */
  exitCode: number | null;
};

/** What becomes of an instance's service. */
export type InstanceService = {
  image: string;
  /** 0 when its task definition does not say: nobody replaced it yet. */
  generation: number;
  /** `failed`: ECS has given up, because its tasks did not start or were not healthy. */
  rollout: 'in_progress' | 'completed' | 'failed';
  rolloutReason: string | null;
  failedTasks: number;
  /** The one that runs, or is starting or stopping. */
  task: ServiceTask | null;
  /** The one that stopped last, as long as ECS knows of it: about an hour. */
  stoppedTask: ServiceTask | null;
};

/** The ECS services that run instances: one service of one task each, named as the instance. */
export interface InstanceServices {
  /** Those of the names that exist, or are still going away. */
  existing(instanceIds: readonly string[]): Promise<Set<string>>;
  /** Creates the service of an instance that has none. Repeating it is harmless. */
  create(instanceId: string, wanted: WantedInstance): Promise<void>;
  /**
   * Has the instance's task replaced by one of a new generation. Only for those who may stop the present one: they have
   * claimed its cycle. Repeating it, at any time, changes nothing: a generation is deployed once, and never after a later.
   * @throws {Terminal} `conflict`: the generation has another image
   * @throws {Terminal} `not_found`: there is no such service
   */
  replace(instanceId: string, wanted: WantedInstance): Promise<Deployment>;
  /**
   * Has it replaced by one that is as the last was before the present, again of a new generation; otherwise as `replace`.
   * @throws {Terminal} `not_found`: there is no such service, or it had nothing before
   */
  rollBack(instanceId: string, to: Pick<WantedInstance, 'generation'>): Promise<Deployment>;
  /** Undefined when there is none. */
  describe(instanceId: string): Promise<InstanceService | undefined>;
  /** Digest of the image that a tier's instances have when nobody has named another: that of the last deploy. */
  templateImage(tier: FleetTier): Promise<string>;
  /** Has a service go away, with its task. Repeating it is harmless. */
  remove(instanceId: string): Promise<void>;
}
