import type { SFNClient } from '@aws-sdk/client-sfn';
import { SendTaskFailureCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import type { Behaviour } from './language-cases.ts';

/** Functions that do what a case says, call by call; the last behaviour is repeated. */
export class ScriptedFunctions {
  readonly calls: { name: string; payload: unknown }[] = [];
  /** How many calls are being answered: those that hang are not. */
  answering = 0;
  /** Where the holders of tokens send their answers. */
  client: SFNClient | undefined;
  readonly #script: Record<string, Behaviour[]>;

  constructor(script: Record<string, Behaviour[]> = {}) {
    this.#script = script;
  }

  readonly invoke = async (name: string, payload: unknown): Promise<unknown> => {
    const behaviours = this.#script[name] ?? [];
    const before = this.calls.filter((call) => call.name === name).length;
    const behaviour = behaviours[before] ?? behaviours.at(-1);
    this.calls.push({ name, payload });
    if (behaviour === undefined) throw new Error(`No script for the function ${name}`);
    if ('hangs' in behaviour) return new Promise(() => {});
    this.answering += 1;
    try {
      return await this.#answer(behaviour, payload);
    } finally {
      this.answering -= 1;
    }
  };

  async #answer(behaviour: Exclude<Behaviour, { hangs: true }>, payload: unknown): Promise<unknown> {
    if ('echoes' in behaviour) return payload;
    if ('returns' in behaviour) return behaviour.returns;
    if ('throws' in behaviour) {
      throw Object.assign(new Error(behaviour.throws.message), { name: behaviour.throws.name });
    }
    const { token: taskToken } = payload as { token: string };
    const answer =
      'answersToken' in behaviour
        ? new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(behaviour.answersToken) })
        : new SendTaskFailureCommand({ taskToken, ...behaviour.failsToken });
    // One overload for each command: the union has to be told apart for the compiler alone.
    await this.client?.send(answer as SendTaskSuccessCommand);
    return null;
  }
}
