import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingHttpHeaders } from 'node:http';
import { OBJECT_CALLS, type ObjectCall } from '../../domain/snapshot/directory-object-store.ts';
import { callsOfObject } from './object-calls.ts';
import { record, recordingDirectory } from './record.ts';

const ROLE_HEADER = 'x-graphfleet-role';

const roles = new AsyncLocalStorage<string>();
let ownRole: string | undefined;
let noting = false;

/** Does some work in a role: whatever it asks of a service of AWS, here or from another process, is noted as that role's. */
export const actingAs = <Result>(role: string, work: () => Result): Result =>
  recordingDirectory === undefined ? work() : roles.run(role, work);

/** The role that what runs now acts in; undefined: nobody's that is deployed. */
export const presentRole = (): string | undefined => roles.getStore() ?? ownRole;

/** The role that a request was made in. */
export const roleOf = (headers: IncomingHttpHeaders): string | undefined => headers[ROLE_HEADER]?.toString();

/**
 * Makes this process tell its role to the services that it calls, and note what it does with objects. Does nothing
 * when there is no recording.
 * @param role what it acts in where no other is said
 */
export const noteCallsOfThisProcess = (role?: string): void => {
  ownRole ??= role;
  if (recordingDirectory === undefined || noting) return;
  noting = true;
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: ClientRequest };
    const present = presentRole();
    if (present !== undefined && request.hasHeader('x-amz-target')) request.setHeader(ROLE_HEADER, present);
  });
  subscribe(OBJECT_CALLS, (message) => {
    const present = presentRole();
    if (present === undefined) return;
    for (const call of callsOfObject(message as ObjectCall)) record({ role: present, ...call });
  });
};
