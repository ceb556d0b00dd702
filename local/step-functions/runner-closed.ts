/** The runner closes: what runs is left as it is on disk, to be gone on with by the next one. */
export class RunnerClosed extends Error {
  override readonly name = 'RunnerClosed';
}
