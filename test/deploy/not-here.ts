import { readdirSync } from 'node:fs';

const FOLDER = new URL('../e2e/', import.meta.url);
const NO_BACKUPS =
  'a copy in the emulator’s S3 has no checksum, so no backup is good, and nothing is deleted without one';

const NO_GATES =
  'a task with a token does not fail when its function does, so nobody learns that an instance takes no work now';

const NOT_AT_ONCE =
  'a process is started for each call that is made at once, so the first may be over before the last is asked for';

/** Files of the end-to-end tests that every run of CI has; all of them take too long for it. */
const CORE = [
  'authorization',
  'change-tier',
  'create-graph',
  'event-stream',
  'fleet',
  'query',
  'repository-access',
  'tables',
  'tour',
];

/** Files that start a runtime of their own, whatever the target is, each with the reason. */
const OF_THEIR_OWN: Readonly<Record<string, string>> = {
  capacity: 'it counts every instance of its fleet, and every place',
  limits: 'it sets limits of tenants, which are variables of functions',
};

/** Tests that can not run on the emulator, by file and what their full name begins with, each with what it can not do. */
export const LEFT_OUT_TESTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'backups.test.ts': {
    'a backup > goes with the graph when nothing of it is to be kept, and stays otherwise': NO_BACKUPS,
  },
  'bad-input.test.ts': {
    'a path or a query that can not be met > GET / is not there': 'the stage is part of the path, and `/` is in none',
    'a path or a query that can not be met > a cursor that was tampered with is refused as such':
      'its DynamoDB takes a key to start from that no item can have',
  },
  'delete-graph.test.ts': {
    'a graph is deleted: database, slot, snapshots and record; a backup is kept': NO_BACKUPS,
    'of several deletions at once one deletes': NO_BACKUPS,
    'a deletion stops at an instance that refuses': NO_BACKUPS,
  },
  'gates.test.ts': {
    'an instance that an operator drains > answers queries, has new work wait, and lets it go on': NO_GATES,
    'an instance that an operator drains > and what waits for it can be cancelled': NO_GATES,
  },
  'materialize.test.ts': {
    'a staging > is refused while another stages the table, and of several at once one is taken': NOT_AT_ONCE,
    'a materialization > is the only one: of several at once one is taken, and the others are told which': NOT_AT_ONCE,
    'while a graph is loaded > 20 queries a second never fail and never mix versions, over several rebuilds':
      'a process for each query that is under way is more than two processors carry',
  },
  'subgraphs.test.ts': {
    'a subgraph can be called what every object has': NO_BACKUPS,
    'a subgraph is refused > by a name that is taken': NO_BACKUPS,
    'the same Idempotency-Key at once makes one subgraph': NO_BACKUPS,
    'deleting a subgraph > that is empty': NO_BACKUPS,
    'deleting a subgraph > is done at its parent': NO_BACKUPS,
    'a graph is deleted with its subgraphs': NO_BACKUPS,
  },
  'tour.test.ts': {
    'the tour of the README > answers as it says: DELETE=': NO_BACKUPS,
  },
};

/**
 * The files of the end-to-end tests to run; what is left out is printed.
 * @param part `core`: those of every run of CI. Without: all that can run
 * @throws {Error} a file that is named here does not exist, or there is no such part
 */
export const filesHere = (part: string | undefined): string[] => {
  if (part !== undefined && part !== 'core') throw new Error(`TEST_DEPLOY is "core" or is not set, but not "${part}".`);
  const present = readdirSync(FOLDER).flatMap((file) =>
    file.endsWith('.test.ts') ? file.replace('.test.ts', '') : [],
  );
  const gone = [...CORE, ...Object.keys(OF_THEIR_OWN)].filter((name) => !present.includes(name));
  if (gone.length > 0) throw new Error(`There is no test/e2e/${gone[0]}.test.ts any more: test/deploy/not-here.ts.`);
  for (const [name, reason] of Object.entries(OF_THEIR_OWN)) {
    process.stdout.write(`Left out: test/e2e/${name}.test.ts, because ${reason}.\n`);
  }
  const here = part === 'core' ? CORE : present.filter((name) => !(name in OF_THEIR_OWN));
  return here.map((name) => `test/e2e/${name}.test.ts`);
};
