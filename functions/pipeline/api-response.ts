/** An answer of the API. An object is sent as JSON; anything iterable is streamed. */
export type ApiResponse = {
  status: number;
  headers?: Record<string, string>;
  body: object | string | AsyncIterable<string>;
};
