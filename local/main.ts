import { startRuntime } from './runtime.ts';
import { settingsFrom } from './settings.ts';
import { tour } from './tour.ts';

const MINIMUM_NODE = 24;

const main = async (): Promise<void> => {
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
    throw new Error(
      `Node ${process.versions.node} is too old. "npm ci" installs ${MINIMUM_NODE}; start with "npm start".`,
    );
  }
  const runtime = await startRuntime(settingsFrom(process.env));
  console.log(tour(runtime));
  const stop = () => {
    runtime.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  // Closing twice is closing once, so a second signal changes nothing.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
};

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
