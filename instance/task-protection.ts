import type { Logger } from './logger.ts';

/** ECS ends a protection by itself after so long; while there is work it is asked for again in time, twice if need be. */
const EXPIRES_MINUTES = 60;
const AGAIN_MS = (EXPIRES_MINUTES / 3) * 60_000;
/** A task is at most so long protected for nothing: jobs of a second come one after another. */
const LINGER_MS = 20_000;
const TIMEOUT_MS = 2_000;

/**
 * Keeps ECS from stopping the task while there is work on it, whoever asks ECS to: a deployment, a scale-in, a person. A
 * second belt: the refresh asks the leases. `PUT $ECS_AGENT_URI/task-protection/v1/state`, as the ECS agent serves it.
 */
export class TaskProtection {
  readonly #url: URL | undefined;
  readonly #logger: Logger;
  #isProtected = false;
  #renewing: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;
  /** The agent is told one thing after another: an end that is slow must not come behind the next beginning. */
  #told: Promise<void> = Promise.resolve();

  /** @param agentUri undefined where there is no agent: then nothing is protected */
  constructor(agentUri: string | undefined, logger: Logger) {
    this.#url = agentUri === undefined ? undefined : new URL(`${agentUri}/task-protection/v1/state`);
    this.#logger = logger;
  }

  /** Before work begins. */
  async begin(): Promise<void> {
    clearTimeout(this.#ending);
    this.#renewing ??= setInterval(() => void this.#tell(true), AGAIN_MS).unref();
    if (!this.#isProtected) await this.#tell(true);
  }

  /** When there is no work left. */
  end(): void {
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => {
      clearInterval(this.#renewing);
      this.#renewing = undefined;
      this.#isProtected = false;
      void this.#tell(false);
    }, LINGER_MS).unref();
  }

  #tell(ProtectionEnabled: boolean): Promise<void> {
    const told: Promise<void> = this.#told.then(async () => {
      const isSet = await this.#set(ProtectionEnabled);
      if (this.#told === told) this.#isProtected = ProtectionEnabled && isSet;
    });
    this.#told = told;
    return told;
  }

  async #set(ProtectionEnabled: boolean): Promise<boolean> {
    if (this.#url === undefined) return false;
    try {
      const response = await fetch(this.#url, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ProtectionEnabled, ...(ProtectionEnabled && { ExpiresInMinutes: EXPIRES_MINUTES }) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return true;
      this.#logger.warn('The task protection was not set', { ProtectionEnabled, status: response.status });
    } catch (error) {
      this.#logger.warn('The task protection was not set', { ProtectionEnabled, error: error as Error });
    }
    return false;
  }
}
