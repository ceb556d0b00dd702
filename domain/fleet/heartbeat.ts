import type { Instance } from './instance.ts';

/** How often an instance says that it is there, and that a job on it goes on. */
export const HEARTBEAT_SECONDS = 10;

/** Who has missed three heartbeats is taken to be gone, until it is heard of again. */
export const SILENT_AFTER_SECONDS = 3 * HEARTBEAT_SECONDS;

/** The instant from which on an instance must have been heard of to be taken to be there. */
export const heardSince = (now: Date): string => new Date(now.getTime() - SILENT_AFTER_SECONDS * 1_000).toISOString();

export const isSilent = ({ heartbeatAt }: Pick<Instance, 'heartbeatAt'>, now: Date): boolean =>
  heartbeatAt < heardSince(now);
