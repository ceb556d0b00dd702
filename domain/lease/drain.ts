import { Retryable } from '../failure.ts';

/** Closes the gate of an instance: what it holds ends, nothing new begins. */
export type Drain = {
  /** `<operation>.<n>`, as a lease: n counts the operation's drains of the instance. One that has ended never comes back. */
  owner: string;
  reason: string;
  since: string;
  /** The task to wake when the last lease ends, and once it is cycled, when the new task of the instance registers. */
  taskToken: string | null;
  /** Once it is cycled: the ECS task that is to be replaced. */
  taskBefore?: string;
  /** Once its cycle has failed: when it was turned back, to what the instance was before. */
  turnedBackAt?: string;
};

/** A drain as it begins. */
export type NewDrain = Pick<Drain, 'owner' | 'reason' | 'since'>;

/** Another operation drains the instance. */
export class DrainedByOther extends Retryable {
  readonly owner: string | undefined;

  constructor({ instanceId, drain }: { instanceId: string; drain: Drain | null }) {
    super('instance_draining', `"${drain?.owner ?? 'Somebody'}" drains the instance "${instanceId}" already.`, {
      delaySeconds: 5,
    });
    this.owner = drain?.owner;
  }
}
