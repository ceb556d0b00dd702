/** One page of a listing. `cursor` is opaque and asks for the page after this one; null on the last. */
export type Page<Item> = { items: Item[]; cursor: string | null };

export type PageRequest = { limit: number; cursor?: string | undefined };

/** A span of time: from the first moment on, up to and without the last. RFC 3339, UTC, with milliseconds. */
export type Span = { from: string; to: string };
