import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A machine as it is now; its executions keep the revision they started with. */
export interface MachineRow {
  arn: string;
  name: string;
  definition: string;
  roleArn: string;
  revision: number;
  createdAt: number;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** An execution as DescribeExecution tells of it. `input` and `output` are JSON text. */
export interface ExecutionRow {
  id: number;
  arn: string;
  name: string;
  machine: string;
  revision: number;
  roleArn: string;
  input: string;
  status: ExecutionStatus;
  startedAt: number;
  /** The trace that it was started in, as its header. */
  traceHeader: string | null;
  stoppedAt: number | null;
  output: string | null;
  error: string | null;
  cause: string | null;
}

/** One entry of an execution's history; `body` is the JSON of the event as the API gives it. */
export interface EventRow {
  id: number;
  body: string;
}

/** What one step of an execution leaves behind: all of it is on disk, or none. */
export interface Step {
  events: EventRow[];
  /** Where each branch is now, by its path. */
  frames: { path: string; body: string }[];
  /** Forget the branches below this path. */
  dropBelow?: string;
}

/** How an execution ended. */
export interface Ending {
  status: ExecutionStatus;
  at: number;
  output?: string | undefined;
  error?: string | undefined;
  cause?: string | undefined;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  -- The operating system keeps what a killed process wrote; only a machine that loses power loses the last steps.
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY, machine TEXT NOT NULL, definition TEXT NOT NULL, roleArn TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS machines (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, revision INTEGER NOT NULL, createdAt INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS executions (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine TEXT NOT NULL,
    revision INTEGER NOT NULL, input TEXT NOT NULL, status TEXT NOT NULL, startedAt INTEGER NOT NULL,
    stoppedAt INTEGER, output TEXT, error TEXT, cause TEXT);
  -- Apart from the executions, whose table may be of an earlier version.
  CREATE TABLE IF NOT EXISTS traces (id INTEGER PRIMARY KEY, traceHeader TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS executions_of_machine ON executions (machine, id);
  CREATE INDEX IF NOT EXISTS open_executions ON executions (id) WHERE status = 'RUNNING';
  CREATE TABLE IF NOT EXISTS events (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (execution, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS frames (
    execution INTEGER NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (execution, path)) WITHOUT ROWID;
`;
const MACHINES = 'SELECT m.*, r.definition, r.roleArn FROM machines m JOIN revisions r USING (revision)';
const EXECUTIONS =
  'SELECT e.*, r.roleArn, t.traceHeader FROM executions e JOIN revisions r USING (revision) LEFT JOIN traces t USING (id)';
const LAST = Number.MAX_SAFE_INTEGER;

/** Machines, executions, where each execution is, and its history, on disk. The process may be killed at any moment. */
export class Journal {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(databaseFile: string) {
    this.#database = new DatabaseSync(databaseFile);
    this.#database.exec(SCHEMA);
  }

  close(): void {
    this.#database.close();
  }

  /** Makes a machine, or gives the one there is a new definition. */
  putMachine(machine: Omit<MachineRow, 'revision'>): MachineRow {
    return this.#transaction(() => {
      const { lastInsertRowid } = this.#run(
        'INSERT INTO revisions (machine, definition, roleArn) VALUES (?, ?, ?)',
        machine.arn,
        machine.definition,
        machine.roleArn,
      );
      const revision = Number(lastInsertRowid);
      this.#run(
        'INSERT INTO machines (arn, name, revision, createdAt) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET revision = ?',
        machine.arn,
        machine.name,
        revision,
        machine.createdAt,
        revision,
      );
      return { ...machine, revision };
    });
  }

  machine(arn: string): MachineRow | undefined {
    return this.#first<MachineRow>(`${MACHINES} WHERE arn = ?`, arn);
  }

  /** Machines by ARN, beginning after the given one. */
  machines(limit: number, after = ''): MachineRow[] {
    return this.#all<MachineRow>(`${MACHINES} WHERE arn > ? ORDER BY arn LIMIT ?`, after, limit);
  }

  definition(revision: number): string {
    return (
      this.#first<{ definition: string }>('SELECT definition FROM revisions WHERE revision = ?', revision)
        ?.definition ?? ''
    );
  }

  /** Opens an execution: it is RUNNING from here on, whatever happens to the process. */
  open(execution: Omit<ExecutionRow, 'id' | 'stoppedAt' | 'output' | 'error' | 'cause'>, first: Step): ExecutionRow {
    return this.#transaction(() => {
      const { lastInsertRowid } = this.#run(
        'INSERT INTO executions (arn, name, machine, revision, input, status, startedAt) VALUES (?, ?, ?, ?, ?, ?, ?)',
        execution.arn,
        execution.name,
        execution.machine,
        execution.revision,
        execution.input,
        execution.status,
        execution.startedAt,
      );
      const id = Number(lastInsertRowid);
      if (execution.traceHeader !== null) {
        this.#run('INSERT INTO traces (id, traceHeader) VALUES (?, ?)', id, execution.traceHeader);
      }
      this.#write(id, first);
      return { ...execution, id, stoppedAt: null, output: null, error: null, cause: null };
    });
  }

  execution(arn: string): ExecutionRow | undefined {
    return this.#first<ExecutionRow>(`${EXECUTIONS} WHERE arn = ?`, arn);
  }

  /** Executions of a machine, the newest first, beginning before the given one. */
  executions(machine: string, status: string | undefined, limit: number, before = LAST): ExecutionRow[] {
    const ofMachine = `${EXECUTIONS} WHERE e.machine = ? AND id < ?`;
    const order = 'ORDER BY id DESC LIMIT ?';
    return status === undefined
      ? this.#all<ExecutionRow>(`${ofMachine} ${order}`, machine, before, limit)
      : this.#all<ExecutionRow>(`${ofMachine} AND status = ? ${order}`, machine, before, status, limit);
  }

  openExecutions(): ExecutionRow[] {
    return this.#all<ExecutionRow>(`${EXECUTIONS} WHERE status = 'RUNNING' ORDER BY id`);
  }

  /** Writes one step of an execution. */
  step(execution: number, step: Step): void {
    this.#transaction(() => this.#write(execution, step));
  }

  /** Writes the end of an execution, and forgets where it was. */
  end(execution: number, events: EventRow[], { status, at, output, error, cause }: Ending): void {
    this.#transaction(() => {
      this.#write(execution, { events, frames: [] });
      this.#run('DELETE FROM frames WHERE execution = ?', execution);
      this.#run(
        'UPDATE executions SET status = ?, stoppedAt = ?, output = ?, error = ?, cause = ? WHERE id = ?',
        status,
        at,
        output ?? null,
        error ?? null,
        cause ?? null,
        execution,
      );
    });
  }

  frames(execution: number): { path: string; body: string }[] {
    return this.#all('SELECT path, body FROM frames WHERE execution = ? ORDER BY path', execution);
  }

  /** The history of an execution, beginning after the given event in the direction asked for. */
  events(execution: number, limit: number, newestFirst: boolean, after = newestFirst ? LAST : 0): EventRow[] {
    const [beyond, order] = newestFirst ? ['<', 'DESC'] : ['>', 'ASC'];
    const query = `SELECT id, body FROM events WHERE execution = ? AND id ${beyond} ? ORDER BY id ${order} LIMIT ?`;
    return this.#all<EventRow>(query, execution, after, limit);
  }

  #write(execution: number, { events, frames, dropBelow }: Step): void {
    if (dropBelow !== undefined) {
      // '0' is the character after '/': everything from `path/` up to it lies below the path.
      const below = 'DELETE FROM frames WHERE execution = ? AND path >= ? AND path < ?';
      this.#run(below, execution, `${dropBelow}/`, `${dropBelow}0`);
    }
    for (const { id, body } of events) {
      this.#run('INSERT INTO events (execution, id, body) VALUES (?, ?, ?)', execution, id, body);
    }
    for (const { path, body } of frames) {
      this.#run('INSERT OR REPLACE INTO frames (execution, path, body) VALUES (?, ?, ?)', execution, path, body);
    }
  }

  #transaction<Result>(write: () => Result): Result {
    this.#run('BEGIN');
    try {
      const result = write();
      this.#run('COMMIT');
      return result;
    } catch (error) {
      this.#run('ROLLBACK');
      throw error;
    }
  }

  #statement(query: string): StatementSync {
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement;
  }

  #run(query: string, ...values: (string | number | null)[]) {
    return this.#statement(query).run(...values);
  }

  // The rows are what the schema above says they are.
  #first<Row>(query: string, ...values: (string | number)[]): Row | undefined {
    return this.#statement(query).get(...values) as Row | undefined;
  }

  #all<Row>(query: string, ...values: (string | number)[]): Row[] {
    return this.#statement(query).all(...values) as Row[];
  }
}
