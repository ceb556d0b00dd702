/** What an image reference stands for on this machine. */
export type Image = {
  /** Absolute path of the module that the container runs. */
  readonly entry: string;
  /** `sha256:…` */
  readonly digest: string;
};
