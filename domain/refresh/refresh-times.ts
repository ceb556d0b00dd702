/** For so long a refresh begins further instances; those that still wait then are deferred. */
export const WALK_SECONDS = 3 * 86_400;

/**
 * So often a refresh looks at its instances when none of them has woken it. An execution has at most 25,000 events, and
 * being woken takes 11: there is enough for the end of each of the most instances, and for this many looks in the longest walk.
 */
export const LOOK_AGAIN_SECONDS = 300;
