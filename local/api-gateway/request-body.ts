import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayFailure } from './gateway-failure.ts';

/** API Gateway takes no more than this, in bytes. */
const LARGEST_BODY = 10 * 1024 * 1024;

/**
 * Reads a request's body, as text: an API without binary media types knows no other. Null: there is none.
 * @throws {GatewayFailure} it is too large; no more than the limit is kept, and a body that says so is not read at all
 */
export const readBody = async (request: IncomingMessage, response: ServerResponse): Promise<string | null> => {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) throw new GatewayFailure('REQUEST_TOO_LARGE');
  if (request.headers.expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let size = 0;
  // Left half-read, not destroyed: the connection must live to carry the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new GatewayFailure('REQUEST_TOO_LARGE');
    chunks.push(chunk);
  }
  return size === 0 ? null : Buffer.concat(chunks).toString('utf8');
};
