import type { Route } from '../../contract/api/route.ts';
import { GatewayFailure } from './gateway-failure.ts';

/** A route that a request has matched, with the path's parameters, decoded. */
export type Match = { readonly route: Route; readonly pathParameters: Readonly<Record<string, string>> };

type Entry = { readonly route: Route; readonly segments: readonly string[] };

const PARAMETER = /^\{(.+)\}$/;

/** Finds the route of a request. Where a fixed segment and a parameter both fit, the fixed one wins. */
export class RouteTable {
  readonly #entries: readonly Entry[];

  constructor(routes: readonly Route[]) {
    this.#entries = routes
      .map((route) => ({ route, segments: route.path.split('/') }))
      .sort((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
  }

  /**
   * @param path as it was sent, still encoded
   * @throws {GatewayFailure} no such path, or not with this method; or a segment that is not encoded well
   */
  match(method: string, path: string): Match {
    const sent = path.split('/');
    const found = this.#entries.find(({ route, segments }) => route.method === method && fits(segments, sent));
    if (found === undefined) throw new GatewayFailure('MISSING_AUTHENTICATION_TOKEN');
    return { route: found.route, pathParameters: parametersOf(found.segments, sent) };
  }
}

/** Fixed segments sort before parameters, segment by segment. */
const orderOf = ({ segments }: Entry): string =>
  segments.map((segment) => (PARAMETER.test(segment) ? '1' : '0')).join('');

const fits = (segments: readonly string[], sent: readonly string[]): boolean =>
  segments.length === sent.length &&
  segments.every((segment, at) => (PARAMETER.test(segment) ? sent[at] !== '' : sent[at] === segment));

const parametersOf = (segments: readonly string[], sent: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    segments.flatMap((segment, at) => {
      const name = PARAMETER.exec(segment)?.[1];
      return name === undefined ? [] : [[name, decoded(sent[at] ?? '')]];
    }),
  );

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new GatewayFailure('DEFAULT_4XX', { cause });
  }
};
