import { type ChildProcess, spawn } from 'node:child_process';

const END_WITH_PARENT = new URL('./end-with-parent.ts', import.meta.url).href;

/** A Node process to start. */
export type Child = {
  /** Absolute path of its module. */
  readonly entry: string;
  readonly parameters?: readonly string[];
  /** Modules that run in it before its own. @default none */
  readonly preloads?: readonly string[];
  /** All of its environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it starts. @default here */
  readonly directory?: string;
  /** File descriptor that takes what it prints. */
  readonly output: number;
};

/** Starts a Node process that ends with this one, even when this one is killed. */
export const spawnChild = ({
  entry,
  parameters = [],
  preloads = [],
  environment,
  directory,
  output,
}: Child): ChildProcess =>
  spawn(
    process.execPath,
    [...[END_WITH_PARENT, ...preloads].flatMap((preload) => ['--import', preload]), entry, ...parameters],
    {
      env: { ...environment },
      cwd: directory,
      stdio: ['ignore', output, output, 'ipc'],
      // A group of its own: Ctrl-C in a terminal reaches the runtime only, which then stops its children in order.
      detached: true,
    },
  );
