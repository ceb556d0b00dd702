/** What a tenant may use at once. Kept in the control table, so it is the same however many processes serve the tenant. */
export interface TenantLimits {
  /**
   * Counts a stream as open until it is closed, or until `endsAt`, after which it can not be open any more.
   * False when `most` are open already.
   */
  openStream(tenantId: string, stream: { streamId: string; endsAt: number }, most: number): Promise<boolean>;
  /** One that is not open is closed already. */
  closeStream(tenantId: string, streamId: string): Promise<void>;
  /** Counts a command in the second that it comes in. False when it had `most` already. */
  takeCommand(tenantId: string, most: number): Promise<boolean>;
  /** Counts a query in the second that it comes in, by one write at most. False when it had `most` already. */
  takeQuery(tenantId: string, most: number): Promise<boolean>;
}
