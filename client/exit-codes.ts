import type { OperationView } from '../contract/api/operations.ts';

/** How `graphfleet` ends. It ends with 0 only when every instance is as was asked for. */
export const EXIT_CODES = {
  /** Every instance was refreshed, by force where that was asked for, or has the wanted image. */
  done: 0,
  /** Something went wrong on the way; the refresh may go on, and `graphfleet follow` finds it. */
  unknown: 1,
  usage: 2,
  /** The API has refused the call. */
  refused: 3,
  failed: 4,
  /** Nothing was cycled, because instances were at work. */
  deferred: 5,
  /** Some were refreshed, and some were not. */
  partial: 6,
  /** Nothing was cycled, because instances were busy, in quarantine, or being launched. */
  skipped: 7,
  cancelled: 8,
  /** The refresh was not brought to an end: somebody must look. */
  needsPerson: 9,
} as const;

/** How to end for an operation that is over. Whatever is not known to be well is not. */
export const exitCodeOf = ({ status, result }: Pick<OperationView, 'status' | 'result'>): number => {
  const { outcome, counts = {} } = (result ?? {}) as { outcome?: string; counts?: Record<string, number> };
  const cycled = (counts['refreshed'] ?? 0) + (counts['forced'] ?? 0);
  switch (status) {
    case 'succeeded':
      return outcome === 'refreshed' || outcome === 'unchanged' ? EXIT_CODES.done : EXIT_CODES.unknown;
    case 'partial':
      if (outcome === 'deferred') return EXIT_CODES.deferred;
      return cycled === 0 && (counts['deferred'] ?? 0) === 0 ? EXIT_CODES.skipped : EXIT_CODES.partial;
    case 'cancelled':
      return EXIT_CODES.cancelled;
    case 'failed':
      return EXIT_CODES.failed;
    case 'timed_out':
    case 'compensation_failed':
      return EXIT_CODES.needsPerson;
    default:
      return EXIT_CODES.unknown;
  }
};
