import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { isOperatorAction, type Route } from '../../contract/api/route.ts';
import type { AuditEntry, AuditStore } from '../../domain/audit/audit.ts';
import { FAILURE_STATUS, Failure } from '../../domain/failure.ts';
import { logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';
import { knownCaller } from './api-request.ts';
import type { ApiResponse } from './api-response.ts';

const DENIED = [401, 402, 403, 429];
const MAX_DETAIL = 1_000;

/**
 * Notes what a call was that must be known of later: an action on the fleet and a command without an operation before
 * they are done, and every denial. Other commands are facts in the logs of their operations.
 */
export class CallAudit {
  readonly #store: AuditStore | undefined;
  readonly #entry: Omit<AuditEntry, 'outcome' | 'detail'>;

  constructor(store: AuditStore | undefined, route: Route, event: APIGatewayProxyEvent) {
    const { tenantId, subject } = knownCaller(event);
    const { operationId, graphId } = (event.pathParameters ?? {}) as Record<string, string | undefined>;
    this.#store = store;
    this.#entry = {
      auditId: event.requestContext.requestId ?? randomUUID(),
      at: new Date().toISOString(),
      type: isOperatorAction(route) ? 'operator_action' : route.audited ? 'command' : 'denial',
      tenantId: tenantId ?? null,
      actor: subject ?? '',
      action: `${route.method} ${route.path}`,
      operationId: operationId ?? null,
      graphId: graphId ?? null,
    };
  }

  /**
   * Does what was asked for, `content`. What must be known of later is noted before it is done, and what can not be noted
   * is not done; then how it went is noted too.
   */
  async around(content: object, act: () => Promise<ApiResponse>): Promise<ApiResponse> {
    if (this.#entry.type === 'denial') return act();
    const asked = { ...this.#entry, outcome: 'asked', detail: JSON.stringify(content).slice(0, MAX_DETAIL) };
    await this.#store?.put(asked);
    try {
      const response = await act();
      await this.#note({ ...asked, outcome: String(response.status) });
      return response;
    } catch (error) {
      await this.#note({ ...asked, outcome: error instanceof Failure ? error.code : 'internal' });
      throw error;
    }
  }

  /** Notes a denial, if `error` is one. */
  async refused(error: unknown): Promise<void> {
    if (!(error instanceof Failure)) return;
    const denied = error.denied || DENIED.includes(FAILURE_STATUS[error.code]);
    if (!denied) return;
    // An entry of its own: what was asked for, and by whom, is told by the other.
    const auditId = `${this.#entry.auditId}#denied`;
    const entry: AuditEntry = { ...this.#entry, auditId, type: 'denial', outcome: error.code, detail: error.message };
    // What comes from nobody that is known, or too often, can come any number of times.
    const isCounted = entry.tenantId === null || error.code === 'limit_reached';
    if (!isCounted) return this.#note(entry);
    const kind = `${entry.tenantId ?? ''}#${entry.action}#${error.code}`;
    await this.#written(entry, this.#store?.count(kind, entry));
  }

  /** The answer stands, whether or not this can be written; then the line in the log is what is left of it. */
  async #note(entry: AuditEntry): Promise<void> {
    await this.#written(entry, this.#store?.put(entry));
  }

  async #written(entry: AuditEntry, write: Promise<void> | undefined): Promise<void> {
    // Without the detail: it has what was asked for, as it was sent.
    const { detail: _detail, ...told } = entry;
    await write?.catch((error: unknown) => {
      logger.error('An entry of the audit was not written', { entry: told, error: error as Error });
      measure('AuditFailed', 1);
    });
  }
}
