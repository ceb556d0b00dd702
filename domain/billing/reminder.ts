/** How far all that an account pays for has been gone through, to take it out of use or back into it. */
export type Sweep = {
  to: 'active' | 'suspended';
  /** Where in the listing of graphs it goes on; null at the beginning. */
  cursor: string | null;
};

/** When a subscription, or the account as a whole, is to be looked at again by itself. */
export type Reminder = {
  tenantId: string;
  subscriptionId: string;
  /** Null: not before something happens to it. */
  dueAt: string | null;
  /** Counts its changes, so that whoever looked at an older one does not overwrite a newer. */
  revision: number;
  /** Of the account as a whole: set from before the first is taken out of use until all are back in it. */
  sweep: Sweep | null;
};

/** Where reminders are kept. One too many does no harm; what they remind of is read when they are due. */
export interface ReminderStore {
  /** Read consistently. */
  get(tenantId: string, subscriptionId: string): Promise<Reminder>;
  /** Sets when it is due, if the reminder is as it was read. False: it is not. */
  set(read: Reminder, dueAt: string | null, sweep?: Sweep | null): Promise<boolean>;
  /** At most `limit` that are due, the longest overdue first. The index may lag behind. */
  listDue(at: string, limit: number): Promise<Reminder[]>;
}
