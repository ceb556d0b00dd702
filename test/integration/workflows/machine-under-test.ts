import { readFileSync } from 'node:fs';
import { functionReference } from '../../../contract/functions.ts';
import type { OperationRequest } from '../../../domain/operation/operation-commands.ts';
import type { OperationEvent } from '../../../domain/operation/operation-event.ts';
import type { StateMachineName } from '../../../domain/operation/workflows.ts';
import { aslFile } from '../../../statemachines/machines.ts';
import type { Item, World } from '../../fixtures/consistency.ts';
import type { Injection } from './fault-injector.ts';
import type { Stage } from './stage.ts';

/** What must be known of a machine, beside its ASL, to make every fault happen in it. */
export type MachineUnderTest = {
  readonly name: StateMachineName;
  /** Sets the stage for all cases. */
  readonly open: (stage: Stage) => Promise<Scene>;
  /** States that a run neither goes through forward nor undoes: {@link Scene.detours} lead to them. */
  readonly detours?: readonly string[];
  /** States that run again and again until what they look at is over. */
  readonly polls?: readonly string[];
};

/** A stage that is set: each case begins with it as it is then. */
export type Scene = {
  /** Asks for what the machine does, anew each time. */
  readonly request: () => OperationRequest | Promise<OperationRequest>;
  /** What an item that was there before is once the operation was undone; undefined: gone. @default what it was */
  readonly whenUndone?: (item: Item, last: OperationEvent) => Item | undefined;
  /** Expects what a happy end leaves. */
  readonly expectDone: (world: World, request: OperationRequest) => void;
  /** Expects what else is so when the operation was undone. */
  readonly expectUndone?: (request: OperationRequest) => void;
  /** Asks again for what stopped past its point of no return. @default it has none */
  readonly again?: (request: OperationRequest) => OperationRequest;
  /** Makes a run come by these states. */
  readonly detours?: Readonly<Record<string, (request: OperationRequest) => Promise<void>>>;
};

const DISPATCH_JOB = `\${${functionReference('dispatch-job')}}`;

type AslState = {
  Type: string;
  Arguments?: { FunctionName?: string };
  Next?: string;
  Default?: string;
  Choices?: readonly { Next: string }[];
  Catch?: readonly { ErrorEquals: readonly string[]; Next: string }[];
};

/** A machine's states, by how a run comes to them; read from the committed ASL, which alone is deployed. */
export const statesOf = (name: string) => {
  const { StartAt, States } = JSON.parse(readFileSync(aslFile(name), 'utf8')) as {
    StartAt: string;
    States: Record<string, AslState>;
  };
  const chainFrom = (first: string): string[] => {
    const chain: string[] = [];
    for (let at: string | undefined = first; at !== undefined; ) {
      const state: AslState | undefined = States[at];
      if (state?.Type !== 'Task' || chain.includes(at)) break;
      chain.push(at);
      at = state.Next;
    }
    return chain;
  };
  const failsTo = (state: string, target: string) =>
    States[state]?.Catch?.some(({ ErrorEquals, Next }) => ErrorEquals.includes('States.ALL') && Next === target);
  const forward = chainFrom(StartAt);
  const undoing = States['BeginUndo'] === undefined ? [] : [...chainFrom('BeginUndo'), 'RecordUndone'];
  return {
    tasks: Object.entries(States).flatMap(([state, { Type }]) => (Type === 'Task' ? [state] : [])),
    forward,
    afterNoReturn: forward.filter((state) => failsTo(state, 'RecordFailure')),
    undoing,
    undos: undoing.slice(1, -1),
    /** The last step whose failure is undone. */
    lastUndone: forward.findLast((state) => failsTo(state, 'BeginUndo')),
    /** The last step past the point of no return, if there is one. */
    lastFinal: forward.findLast((state) => failsTo(state, 'RecordFailure')),
    /** The steps that hand a job to an instance. */
    jobs: forward.filter((state) => States[state]?.Arguments?.FunctionName === DISPATCH_JOB),
  };
};

type Way = Pick<Injection, 'state' | 'fault'>[];

/** The faults that lead a run to a state; undefined when only a detour does. */
export const wayTo = (name: string, state: string): Way | undefined => {
  const { forward, undoing, undos, lastUndone, lastFinal } = statesOf(name);
  const fail = (at: string | undefined): Way =>
    at === undefined ? [] : [{ state: at, fault: 'fails before the work' }];
  if (forward.includes(state)) return [];
  if (undoing.includes(state)) return fail(lastUndone);
  if (state === 'RecordUndoFailure') return [...fail(lastUndone), ...fail(undos[0])];
  if (state === 'RecordFailure') return fail(lastFinal);
  return undefined;
};
