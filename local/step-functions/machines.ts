import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';
import type { Clock } from './clock.ts';
import type { Journal, MachineRow } from './journal.ts';
import type { Machine } from './load-machine.ts';
import { checkArn, checkName, splitQualifier } from './names.ts';
import { StepFunctionsError } from './step-functions-error.ts';

/** A machine to create. */
export interface NewMachine {
  name: string;
  definition: string;
  roleArn: string;
}

/** The machines there are. A definition is read once, and refused here if the runner can not run it. */
export class Machines {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #load: (definition: string) => Machine;
  readonly #arnPrefix: string;
  readonly #loaded = new Map<number, Machine>();

  constructor(journal: Journal, clock: Clock, load: (definition: string) => Machine, arnPrefix: string) {
    this.#journal = journal;
    this.#clock = clock;
    this.#load = load;
    this.#arnPrefix = arnPrefix;
  }

  /**
   * Creating what is there already, and the same, is harmless.
   * @throws {StepFunctionsError} InvalidName, InvalidDefinition, StateMachineAlreadyExists
   */
  create({ name, definition, roleArn }: NewMachine): MachineRow {
    const arn = `${this.#arnPrefix}${checkName(name)}`;
    const machine = this.#load(definition);
    const found = this.#journal.machine(arn);
    if (found === undefined) {
      const row = this.#journal.putMachine({ arn, name, definition, roleArn, createdAt: this.#clock.now() });
      this.#loaded.set(row.revision, machine);
      return row;
    }
    if (found.definition === definition && found.roleArn === roleArn) return found;
    throw new StepFunctionsError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
  }

  /**
   * Executions that are under way keep the definition they started with.
   * @throws {StepFunctionsError} StateMachineDoesNotExist, InvalidDefinition
   */
  update(arn: string, change: { definition?: string | undefined; roleArn?: string | undefined }): MachineRow {
    const found = this.get(arn);
    const { definition = found.definition, roleArn = found.roleArn } = change;
    const machine = this.#load(definition);
    const row = this.#journal.putMachine({ ...found, definition, roleArn });
    this.#loaded.set(row.revision, machine);
    return row;
  }

  /** @throws {StepFunctionsError} InvalidArn, StateMachineDoesNotExist */
  get(arn: string): MachineRow {
    const found = this.#journal.machine(checkArn(arn, 'stateMachine'));
    if (found !== undefined) return found;
    throw new StepFunctionsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  /**
   * The machine that executions are started of: by its ARN, or by that of its one alias, which always is at the newest
   * revision.
   * @throws {StepFunctionsError} InvalidArn, StateMachineDoesNotExist
   */
  startable(arn: string): MachineRow {
    const [unqualified, qualifier] = splitQualifier(arn);
    if (qualifier === undefined || qualifier === LIVE_ALIAS) return this.get(unqualified);
    throw new StepFunctionsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  /** The machine as it was at a revision, ready to run. */
  atRevision(revision: number): Machine {
    let machine = this.#loaded.get(revision);
    if (machine === undefined) {
      machine = this.#load(this.#journal.definition(revision));
      this.#loaded.set(revision, machine);
    }
    return machine;
  }
}
