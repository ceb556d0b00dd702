import type { Page, PageRequest } from '../page.ts';
import type { RepositoryName, RepositoryPlan } from './repository.ts';

export const ACCESS_STATUSES = ['granting', 'active', 'suspended', 'ending'] as const;
export type AccessStatus = (typeof ACCESS_STATUSES)[number];

/** A tenant's right to read a repository. Only an `active` one lets a query through. */
export type RepositoryAccess = {
  tenantId: string;
  repository: RepositoryName;
  plan: RepositoryPlan;
  /** The repository's graph. */
  graphId: string;
  status: AccessStatus;
  /** The operation that granted it; no other can activate it or take it back. */
  operationId: string;
  grantedAt: string;
};

/** What an operation asks for. */
export type AccessRequest = { repository: RepositoryName; plan: RepositoryPlan };

/** The pool of credits of an access. Each grant has its own: one that was taken back can not be filled again. */
export const creditPoolOf = (repository: RepositoryName, operationId: string): string => `${repository}.${operationId}`;

/** Where accesses are kept. Each method is one read or one conditional write on the access's item. */
export interface RepositoryAccessStore {
  /** Puts an access where none is. Returns the one that is there then: this one, or another. */
  grant(access: RepositoryAccess): Promise<RepositoryAccess>;
  get(tenantId: string, repository: string): Promise<RepositoryAccess | undefined>;
  /**
   * Makes an access usable. Repeating it is harmless, even once the access is suspended. False: the operation's access is
   * not there to activate.
   */
  activate(tenantId: string, repository: RepositoryName, operationId: string): Promise<boolean>;
  /** Takes an operation's access out of use. */
  deactivate(tenantId: string, repository: RepositoryName, operationId: string): Promise<void>;
  /**
   * Suspends an access, or brings it back into use, because of the standing of the account that `mark` belongs to; a
   * newer one has the last word, however late an older one comes. Repeating it is harmless.
   * @returns false when the access is neither active nor suspended, or follows a newer standing
   */
  follow(tenantId: string, repository: RepositoryName, status: 'active' | 'suspended', mark: string): Promise<boolean>;
  /** The accesses that are being granted or ended, of all tenants. The index may lag behind. */
  listUnsettled(page: PageRequest): Promise<Page<RepositoryAccess>>;
  /** Takes an active or suspended access out of use for good. False: there is none to end. */
  end(access: RepositoryAccess): Promise<boolean>;
  /** Removes an operation's access while it is in one of these statuses. */
  remove(
    tenantId: string,
    repository: RepositoryName,
    operationId: string,
    statuses: readonly AccessStatus[],
  ): Promise<void>;
}
