import type { GraphStore } from '../graph/graph.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { endAccess } from '../repository/end-access.ts';
import { REPOSITORY_NAMES } from '../repository/repository.ts';
import type { RepositoryAccessStore } from '../repository/repository-access.ts';
import { type Account, type AccountStore, endOfAccount, isPaying } from './account.ts';
import type { CreditDebtStore } from './credit-debts.ts';
import type { CreditStore } from './credits.ts';
import type { ReminderStore, Sweep } from './reminder.ts';
import { DAY_MS, deleteUnpaid } from './retention.ts';

/** The reminder of an account as a whole: no subscription can have this id. */
export const ACCOUNT = '~account';

/** The same work every run, however many graphs there are. */
const GRAPHS_A_RUN = 100;
const HOUR_MS = 60 * 60_000;
/** After so long it is looked whether anything came into use again, by a run that was late. */
const LOOK_AGAIN_MS = 5 * 60_000;

type Dependencies = {
  accounts: Pick<AccountStore, 'get'>;
  reminders: ReminderStore;
  graphs: Pick<GraphStore, 'listPayers' | 'followStanding'>;
  accesses: Pick<RepositoryAccessStore, 'get' | 'follow' | 'end' | 'remove'>;
  credits: Pick<CreditStore, 'revoke'>;
  debts: CreditDebtStore;
  commands: OperationCommands;
  /** How long is kept what nobody pays for any more. */
  retentionDays: number;
  now?: () => Date;
};

/** What is done with what the account pays for, as of its revision. */
type Step = { to: 'active' | 'suspended'; mark: string; endedForGood: boolean };
type Found = { cursor: string | null; nothing: boolean; changed: boolean };

/**
 * Keeps in use what an account pays for as a whole, and only as long as it does: the graphs that were not bought by a
 * subscription of their own, and the accesses to repositories. They are gone through a page at a time, and where the
 * next run goes on is part of the account's reminder. Each of them remembers the revision of the account that it follows,
 * so a run that is late, and has read an older one, changes nothing.
 */
export class AccountLifecycle {
  readonly #our: Dependencies;
  readonly #now: () => Date;

  constructor(dependencies: Dependencies) {
    this.#our = dependencies;
    this.#now = dependencies.now ?? (() => new Date());
  }

  /** Does the next part of what is to be done about an account, and sets when the one after it is due. */
  async settle(tenantId: string): Promise<void> {
    const { accounts, reminders } = this.#our;
    for (;;) {
      const reminder = await reminders.get(tenantId, ACCOUNT);
      const account = await accounts.get(tenantId);
      const end = endOfAccount(account);
      const hasEnded = end !== null && end <= this.#now().toISOString();
      const { sweep } = reminder;
      if (!hasEnded && !(isPaying(account) && sweep !== null)) {
        if (reminder.dueAt === end || (await reminders.set(reminder, end, sweep))) return;
        continue;
      }
      const to = hasEnded ? 'suspended' : 'active';
      const going: Sweep = sweep?.to === to ? sweep : { to, cursor: null };
      // Kept before anything is suspended: whoever finds the account live again knows that there is something to bring back.
      if (!(await reminders.set(reminder, this.#in(LOOK_AGAIN_MS), going))) continue;
      const goneAt = hasEnded ? Date.parse(end) + this.#our.retentionDays * DAY_MS : Number.POSITIVE_INFINITY;
      const step = { to, mark: markOf(account), endedForGood: this.#now().getTime() >= goneAt } as const;
      const found = await this.#goOn(tenantId, step, going.cursor);
      const [dueAt, next] = this.#after(going, found, goneAt);
      // If it is not as it was set, another run has read the account since, and goes on by what it read.
      await reminders.set({ ...reminder, revision: reminder.revision + 1 }, dueAt, next);
      return;
    }
  }

  async #goOn(tenantId: string, step: Step, cursor: string | null): Promise<Found> {
    const { graphs, commands } = this.#our;
    const accesses = cursor === null ? await this.#followAccesses(tenantId, step) : 0;
    const page = await graphs.listPayers(tenantId, { limit: GRAPHS_A_RUN, cursor: cursor ?? undefined });
    const ours = page.items.filter(({ subscriptionId }) => subscriptionId === null);
    const changes = ours.map(async ({ graphId, status }): Promise<boolean> => {
      if (step.to === 'active') return graphs.followStanding(graphId, 'active', step.mark);
      if (status === 'active') return graphs.followStanding(graphId, 'suspended', step.mark);
      if (step.endedForGood && status !== 'provisioning') {
        await deleteUnpaid(commands, { tenantId, graphId }, step.mark, this.#now());
      }
      return status !== 'suspended';
    });
    const changed = (await Promise.all(changes)).some(Boolean);
    return { cursor: page.cursor, changed, nothing: cursor === null && ours.length + accesses === 0 };
  }

  /** There is one for each repository at most. @returns how many there are */
  async #followAccesses(tenantId: string, { to, mark, endedForGood }: Step): Promise<number> {
    const { accesses } = this.#our;
    let count = 0;
    for (const repository of REPOSITORY_NAMES) {
      const access = await accesses.get(tenantId, repository);
      if (access === undefined) continue;
      count += 1;
      if (endedForGood && access.status === 'suspended') await endAccess(accesses, this.#our, access);
      else await accesses.follow(tenantId, repository, to, mark);
    }
    return count;
  }

  /** When to go on, and where. */
  #after({ to }: Sweep, { cursor, nothing, changed }: Found, goneAt: number): [string | null, Sweep | null] {
    if (cursor !== null) return [this.#in(0), { to, cursor }];
    if (to === 'active' || nothing) return [null, null];
    const again = this.#now().getTime() + (changed ? LOOK_AGAIN_MS : HOUR_MS);
    const isWaiting = this.#now().getTime() < goneAt;
    return [new Date(isWaiting ? Math.min(again, goneAt) : again).toISOString(), { to, cursor: null }];
  }

  #in(milliseconds: number): string {
    return new Date(this.#now().getTime() + milliseconds).toISOString();
  }
}

/**
 * For whatever has just brought something into use: an account that had ended by then may have been gone through before,
 * so it is looked at once more. Repeating it is harmless.
 */
export const remindOfUse = async (
  accounts: Pick<AccountStore, 'get'>,
  reminders: ReminderStore,
  tenantId: string,
): Promise<void> => {
  const now = new Date().toISOString();
  const end = endOfAccount(await accounts.get(tenantId));
  if (end === null || end > now) return;
  for (;;) {
    const reminder = await reminders.get(tenantId, ACCOUNT);
    if (await reminders.set(reminder, now, reminder.sweep)) return;
  }
};

/** The place of an account's revision among all, as a text that sorts. */
const markOf = ({ revision }: Account): string => String(revision).padStart(12, '0');
