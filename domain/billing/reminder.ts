/** When a subscription is to be looked at again by itself. */
export type Reminder = {
  tenantId: string;
  subscriptionId: string;
  /** Null: not before something happens to it. */
  dueAt: string | null;
  /** Counts its changes, so that whoever looked at an older one does not overwrite a newer. */
  revision: number;
};

/** Where reminders are kept. One too many does no harm; what they remind of is read when they are due. */
export interface ReminderStore {
  /** Read consistently. */
  get(tenantId: string, subscriptionId: string): Promise<Reminder>;
  /** Sets when it is due, if the reminder is as it was read. False: it is not. */
  set(read: Reminder, dueAt: string | null): Promise<boolean>;
  /** At most `limit` that are due, the longest overdue first. The index may lag behind. */
  listDue(at: string, limit: number): Promise<Reminder[]>;
}
