import type { Page, PageRequest, Span } from '../page.ts';

export const AUDIT_TYPES = ['command', 'outcome', 'denial', 'operator_action'] as const;
export type AuditType = (typeof AUDIT_TYPES)[number];

/** Somebody did something, or was kept from it. */
export type AuditEntry = {
  auditId: string;
  at: string;
  type: AuditType;
  /** Null when nobody knows who it was. */
  tenantId: string | null;
  actor: string;
  /** The kind of operation, what was commanded to it, or the route that was called. */
  action: string;
  operationId: string | null;
  graphId: string | null;
  /** How it went: a status of an operation, a problem's code, or `asked` where it is not known to have been done. */
  outcome: string;
  detail: string;
};

/**
 * Where entries are found. Commands and ends of operations are not written here: the events of the log that tell them
 * are entries themselves.
 */
export interface AuditStore {
  /** Writes an entry; the same id again replaces it. */
  put(entry: AuditEntry): Promise<void>;
  /**
   * Writes an entry that stands for all of its kind within a minute: the first, and at least how many there were. For
   * what anybody can make happen any number of times: a flood of it is a few writes, and one entry.
   */
  count(kind: string, entry: AuditEntry): Promise<void>;
  /** A tenant's entries, newest first. The index may lag behind. */
  listByTenant(tenantId: string, span: Span, page: PageRequest): Promise<Page<AuditEntry>>;
  /** Everybody's entries, newest first; a page can be short, or empty, and have a cursor. The index may lag behind. */
  list(span: Span, page: PageRequest): Promise<Page<AuditEntry>>;
}
