/** Times go over the wire in seconds. */
export const inSeconds = (milliseconds: number): number => milliseconds / 1000;
