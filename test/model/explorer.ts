import { Failure } from '../../domain/failure.ts';

/**
 * Runs real code in every order in which it can come to run.
 *
 * The code under test shares nothing but what it reaches by `Shared.call`, and between two calls it is a function of the
 * answers so far. So the calls are the only moments that matter, and a run that stands before a call is described whole
 * by its stage, its variables and the answers it got. The explorer keeps such descriptions, each once, as numbers. It runs
 * the code to learn what follows an answer, once for each different answer; from then on it knows. What is left is a
 * search through a graph of small arrays of numbers, which visits each state once.
 *
 * Faults: a run can be *given up* before or after any of its calls (its process crashed, it timed out, its answer was
 * lost): its actor runs the stage again, or goes where it goes then. A run can be *doubled*: another one goes on from the
 * same point. The run that is left behind is a *stray*: nobody waits for it, and it goes on at any later time, or never.
 *
 * What is left out, because nothing can depend on it: the order of a call on a part that nobody else will ever touch
 * again ({@link Model.mayTouch}), and the names of actors that are alike ({@link Actor.startsAfter}).
 */

/** Something asked of what is shared. A call touches one part. */
export type Call = { part: string; action: string; input: unknown };
export type Answer = { output: unknown } | { error: string };
export type Shared = { call(call: Call): Promise<Answer> };
export type Variables = Readonly<Record<string, unknown>>;
/** How a run ended: what it returned, or the class of the failure that it threw. */
export type Outcome = { returned: unknown } | { threw: string };
export type Next = { stage: string; variables?: Variables };

/** What is shared, as it is, and where the actors are. */
export type View = { part(name: string): unknown; stageOf(actor: string): string };

export type Stage = {
  /** The actor waits until this is so. A stray waits for nothing. */
  when?(view: View, variables: Variables): boolean;
  /** The code under test. */
  run(variables: Variables, shared: Shared): Promise<unknown>;
  /** Where the actor goes by the outcome; where it can go several ways, the explorer tries each. */
  leadsTo(outcome: Outcome, variables: Variables): Next | readonly Next[];
  /** Where the actor can go when a run is given up; by default the stage is run again. */
  givenUp?: readonly Next[];
};

/** The run of an actor or of a stray, as far as it has come. */
export type Whereabouts = { actor: string; stage: string; variables: Variables };

export type Actor = {
  name: string;
  start: Next;
  stages: Readonly<Record<string, Stage>>;
  /** An actor just like this one but for its name: which of them starts first makes no difference. */
  startsAfter?: string;
  /** Serves the others: it need not come to an end. */
  serves?: true;
};

/** A call that was performed. */
export type Move = {
  actor: string;
  stage: string;
  variables: Variables;
  call: Call;
  before: unknown;
  /** The same object as before when the call changed nothing. */
  after: unknown;
  /** How the run ended, if this was its last call. */
  outcome: Outcome | undefined;
};

export type Model = {
  /** What is shared, at first. */
  parts: Readonly<Record<string, unknown>>;
  perform(content: unknown, call: Call): { content: unknown; answer: Answer };
  actors: readonly Actor[];
  /** So many times at most a run is given up or doubled. */
  faults: number;
  /** So many times at most a run is interrupted by another's call between its first and its last; undefined: any number. */
  interruptions?: number | undefined;
  /** Whether who is here might yet touch a part. True when in doubt. */
  mayTouch(part: string, who: Whereabouts, view: View): boolean;
  /** What is kept in mind of the past, beside what is shared; nothing in the code under test sees it. */
  memory: unknown;
  remember(memory: unknown, move: Move): unknown;
  /** What is wrong with a move. */
  violation(move: Move, memory: unknown, view: View): string | undefined;
  /** What is wrong with a state in which every actor is at its end, strays apart. */
  violationAtEnd(view: View, memory: unknown): string | undefined;
};

export type Report = {
  states: number;
  moves: number;
  /** Different points between two calls to which real code was run. */
  runs: number;
  /** What is wrong, and how it came about. */
  violation: { message: string; moves: string[] } | undefined;
};

/** An actor that is here has nothing more to do. */
export const END = 'end';

type Run = { actor: string; stage: string; variables: Variables; answers: readonly Answer[]; pause: Pause };
/** What a run stands before: a call, or its end. */
type Pause = { call: Call } | Outcome;
/** Where an actor is: in the run of a stage, or at its end. */
type Position = { stage: string; run: number | null };
/** What a run's call does to a content: the content and the run that follow, and the move as the model sees it. */
type Performed = { id: number; content: number; next: number; move: Move };

type Fate = 'goes on' | 'goes on as a stray' | 'is given up' | 'is doubled';
type Successor = { state: State; run: number; fate: Fate; violation: string | undefined };

/**
 * A state is an array of numbers: the faults so far, the interruptions so far, the actor that is amid a run (or -1), the
 * memory, the content of each part, the position of each actor, and then the strays in order of their number.
 */
type State = readonly number[];
const FAULTS = 0;
const INTERRUPTIONS = 1;
const AMID = 2;
const MEMORY = 3;
const PARTS = 4;

/** Visits every state of a model that can be reached, and stops at the first that is wrong. */
export const explore = (model: Model): Promise<Report> => new Explorer(model).explore();

/** Goes so many ways through a model that is too large to be explored, from its beginning to an end, by chance. */
export const wander = (model: Model, ways: number, random: () => number): Promise<Report> =>
  new Explorer(model).wander(ways, random);

class Explorer {
  readonly #model: Model;
  readonly #partNames: readonly string[];
  readonly #actorNames: readonly string[];
  readonly #firstActor: number;
  readonly #firstStray: number;
  readonly #startPositions: number[] = [];
  readonly #contents = new Numbered<unknown>();
  readonly #runs = new Numbered<Run>();
  readonly #positions = new Numbered<Position>();
  readonly #memories = new Numbered<unknown>();
  readonly #performed = new Map<number, Performed>();
  readonly #remembered = new Map<number, number>();
  readonly #arrivalsFrom = new Map<number, readonly number[]>();
  readonly #arrivals = new Map<string, readonly number[]>();

  constructor(model: Model) {
    this.#model = model;
    this.#partNames = Object.keys(model.parts);
    this.#actorNames = model.actors.map(({ name }) => name);
    this.#firstActor = PARTS + this.#partNames.length;
    this.#firstStray = this.#firstActor + model.actors.length;
  }

  async explore(): Promise<Report> {
    const first = await this.#known(() => this.#firstState());
    const seen = new Set([nameOf(first)]);
    let moves = 0;
    /** The way to the state that is looked at now, and what is still to be tried from each state of it. */
    const way: { reached: Successor | undefined; untried: Successor[] }[] = [
      { reached: undefined, untried: await this.#known(() => this.#successors(first)) },
    ];
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const successor = here.untried.pop();
      if (successor === undefined) {
        way.pop();
        continue;
      }
      moves += 1;
      const name = nameOf(successor.state);
      if (successor.violation === undefined && seen.has(name)) continue;
      seen.add(name);
      const untried = await this.#known(() => this.#successors(successor.state));
      way.push({ reached: successor, untried });
      const wrong = successor.violation ?? this.#violationOf(successor.state, untried);
      if (wrong === undefined) continue;
      const reached = way.flatMap((step) => step.reached ?? []);
      return this.#report(seen.size, moves, { message: wrong, way: reached });
    }
    return this.#report(seen.size, moves);
  }

  async wander(ways: number, random: () => number): Promise<Report> {
    const first = await this.#known(() => this.#firstState());
    const seen = new Set([nameOf(first)]);
    let moves = 0;
    for (let walked = 0; walked < ways; walked += 1) {
      const way: Successor[] = [];
      let open = await this.#known(() => this.#successors(first));
      while (open.length > 0) {
        const successor = open[Math.floor(random() * open.length)] as Successor;
        moves += 1;
        way.push(successor);
        seen.add(nameOf(successor.state));
        open = await this.#known(() => this.#successors(successor.state));
        const wrong = successor.violation ?? this.#violationOf(successor.state, open);
        if (wrong !== undefined) return this.#report(seen.size, moves, { message: wrong, way });
      }
    }
    return this.#report(seen.size, moves);
  }

  #report(states: number, moves: number, wrong?: { message: string; way: readonly Successor[] }): Report {
    const violation = wrong && { message: wrong.message, moves: wrong.way.map((reached) => this.#describe(reached)) };
    return { states, moves, runs: this.#runs.size, violation };
  }

  /** Asks again until all that was asked for is known: what is not must be learned by running code, which takes a while. */
  async #known<Value>(ask: () => Value): Promise<Value> {
    for (;;) {
      try {
        return ask();
      } catch (unknown) {
        if (!(unknown instanceof NotKnown)) throw unknown;
        await unknown.learn();
      }
    }
  }

  #firstState(): State {
    const { parts, actors, memory } = this.#model;
    const positions = actors.flatMap((actor) => this.#arrive(actor, actor.start));
    this.#startPositions.splice(0, Number.POSITIVE_INFINITY, ...positions);
    const contents = Object.values(parts).map((content) => this.#contents.of(inOrder(content)));
    return [0, 0, NOBODY, this.#memories.of(memory), ...contents, ...positions];
  }

  #violationOf(state: State, successors: readonly Successor[]): string | undefined {
    const waiting = this.#model.actors.filter((actor, at) => !actor.serves && !this.#isAtEnd(state, at));
    const view = this.#view(state);
    if (waiting.length === 0) return this.#model.violationAtEnd(view, this.#memories.at(numberAt(state, MEMORY)));
    if (successors.some(({ fate }) => fate === 'goes on')) return undefined;
    // A stray that was interrupted may have to be left first.
    if (state[AMID] !== NOBODY) return undefined;
    return `Nobody can go on: ${waiting.map(({ name }) => `${name} at ${view.stageOf(name)}`).join(', ')}.`;
  }

  #isAtEnd(state: State, actor: number): boolean {
    return this.#positions.at(numberAt(state, this.#firstActor + actor)).run === null;
  }

  #successors(state: State): Successor[] {
    const alone = this.#actorThatNobodyMinds(state);
    if (alone !== undefined) return this.#movesOf(state, alone);
    const found: Successor[] = [];
    for (let actor = 0; actor < this.#actorNames.length; actor += 1) found.push(...this.#movesOf(state, actor));
    for (let place = this.#firstStray; place < state.length; place += 1) {
      if (place === this.#firstStray || state[place] !== state[place - 1])
        found.push(...this.#strayMoves(state, place));
    }
    return found;
  }

  /** An actor whose call touches what nobody else will: whether it comes now or later is all the same, so it comes now. */
  #actorThatNobodyMinds(state: State): number | undefined {
    const view = this.#view(state);
    for (let actor = 0; actor < this.#actorNames.length; actor += 1) {
      const { run } = this.#positions.at(numberAt(state, this.#firstActor + actor));
      if (run === null) continue;
      if (!this.#isMinded(state, actor, this.#callOf(run).part, view)) return actor;
    }
    return undefined;
  }

  #isMinded(state: State, actor: number, part: string, view: View): boolean {
    for (let place = this.#firstActor; place < state.length; place += 1) {
      const there = numberAt(state, place);
      const run = place < this.#firstStray ? this.#positions.at(there).run : there;
      if (run === null || place === this.#firstActor + actor) continue;
      if (this.#model.mayTouch(part, this.#runs.at(run), view)) return true;
    }
    return false;
  }

  #movesOf(state: State, index: number): Successor[] {
    const place = this.#firstActor + index;
    const position = numberAt(state, place);
    const { run } = this.#positions.at(position);
    if (run === null) return [];
    const actor = this.#model.actors[index] as Actor;
    const found: Successor[] = [];
    const mayMove = this.#mayStart(state, index, actor) && this.#mayInterrupt(state, index);
    if (mayMove && this.#isReady(state, actor, run)) found.push(...this.#goOn(state, index, actor, run));
    if (numberAt(state, FAULTS) === this.#model.faults) return found;

    const left = this.#withStray(replaced(state, FAULTS, numberAt(state, FAULTS) + 1), run);
    found.push({ state: left, run, fate: 'is doubled', violation: undefined });
    if (!mayMove) return found;
    const { stage, variables } = this.#runs.at(run);
    const free = numberAt(state, AMID) === index ? replaced(left, AMID, NOBODY) : left;
    for (const next of stageOf(actor, stage).givenUp ?? [{ stage, variables }]) {
      for (const arrived of this.#arrive(actor, next)) {
        found.push({ state: replaced(free, place, arrived), run, fate: 'is given up', violation: undefined });
      }
    }
    return found;
  }

  #mayStart(state: State, index: number, { startsAfter }: Actor): boolean {
    const isAtStart = (at: number) => state[this.#firstActor + at] === this.#startPositions[at];
    return startsAfter === undefined || !isAtStart(index) || !isAtStart(this.#actorNames.indexOf(startsAfter));
  }

  #mayInterrupt(state: State, index: number): boolean {
    const { interruptions } = this.#model;
    const amid = numberAt(state, AMID);
    return (
      interruptions === undefined || amid === NOBODY || amid === index || numberAt(state, INTERRUPTIONS) < interruptions
    );
  }

  #isReady(state: State, actor: Actor, run: number): boolean {
    const { stage, variables, answers } = this.#runs.at(run);
    const { when } = stageOf(actor, stage);
    return when === undefined || answers.length > 0 || when(this.#view(state), variables);
  }

  /** The actor's run performs its call; when that was the last, the actor goes to another stage. */
  #goOn(state: State, index: number, actor: Actor, run: number): Successor[] {
    const { after, next, violation } = this.#call(state, run);
    const { stage, variables, pause } = this.#runs.at(next);
    const goesOn = 'call' in pause;
    const positions = goesOn
      ? [this.#positionIn(next)]
      : this.#arriveFrom(next, () => this.#arriveAfter(actor, stage, pause, variables));
    return positions.map((position) => ({
      state: this.#amid(replaced(after, this.#firstActor + index, position), index, goesOn ? index : NOBODY),
      run,
      fate: 'goes on',
      violation,
    }));
  }

  #strayMoves(state: State, place: number): Successor[] {
    if (!this.#mayInterrupt(state, NOBODY)) return [];
    const run = numberAt(state, place);
    const { after, next, violation } = this.#call(state, run);
    const others = [...after.slice(0, place), ...after.slice(place + 1)];
    const stays = 'call' in this.#runs.at(next).pause ? this.#withStray(others, next) : others;
    return [{ state: this.#amid(stays, NOBODY, numberAt(state, AMID)), run, fate: 'goes on as a stray', violation }];
  }

  /** Notes who is amid a run after a call of `mover`, and that another was interrupted by it. */
  #amid(state: number[], mover: number, amid: number): State {
    if (this.#model.interruptions === undefined) return state;
    const before = numberAt(state, AMID);
    if (before !== NOBODY && before !== mover) state[INTERRUPTIONS] = numberAt(state, INTERRUPTIONS) + 1;
    state[AMID] = amid;
    return state;
  }

  #withStray(state: State, run: number): number[] {
    const strays = [...state.slice(this.#firstStray), run].sort((left, right) => left - right);
    return [...state.slice(0, this.#firstStray), ...strays];
  }

  #callOf(run: number): Call {
    const { pause } = this.#runs.at(run);
    if (!('call' in pause)) throw new Error('A run that has ended makes no call.');
    return pause.call;
  }

  /** Performs the call that a run stands before. */
  #call(state: State, run: number): { after: number[]; next: number; violation: string | undefined } {
    const place = PARTS + this.#partNames.indexOf(this.#callOf(run).part);
    const { id, content, next, move } = this.#perform(run, numberAt(state, place));
    const memory = numberAt(state, MEMORY);
    const violation = this.#model.violation(move, this.#memories.at(memory), this.#view(state));
    const after = replaced(state, place, content);
    after[MEMORY] = this.#remember(memory, id, move);
    return { after, next, violation };
  }

  #perform(run: number, before: number): Performed {
    const key = run * 0x1_0000_0000 + before;
    const seen = this.#performed.get(key);
    if (seen !== undefined) return seen;
    const { actor, stage, variables, answers } = this.#runs.at(run);
    const call = this.#callOf(run);
    const performed = inOrder(this.#model.perform(this.#contents.at(before), call));
    const next = this.#runOf(this.#actor(actor), stage, variables, [...answers, performed.answer]);
    const { pause } = this.#runs.at(next);
    const content = this.#contents.of(performed.content);
    const move: Move = {
      actor,
      stage,
      variables,
      call,
      before: this.#contents.at(before),
      after: this.#contents.at(content),
      outcome: 'call' in pause ? undefined : pause,
    };
    const known = { id: this.#performed.size, content, next, move };
    this.#performed.set(key, known);
    return known;
  }

  #remember(memory: number, performed: number, move: Move): number {
    const key = memory * 0x1_0000_0000 + performed;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const after = this.#memories.of(this.#model.remember(this.#memories.at(memory), move));
    this.#remembered.set(key, after);
    return after;
  }

  /** The positions in which an actor can come to a stage: before its first call, or at its end. */
  #arrive(actor: Actor, { stage, variables = {} }: Next): readonly number[] {
    const key = `${actor.name} ${stage} ${JSON.stringify(variables)}`;
    const known = this.#arrivals.get(key);
    if (known !== undefined) return known;
    const positions = stage === END ? [this.#positions.of({ stage, run: null })] : this.#begin(actor, stage, variables);
    this.#arrivals.set(key, positions);
    return positions;
  }

  #begin(actor: Actor, stage: string, variables: Variables): readonly number[] {
    const run = this.#runOf(actor, stage, variables, []);
    const { pause } = this.#runs.at(run);
    return 'call' in pause ? [this.#positionIn(run)] : this.#arriveAfter(actor, stage, pause, variables);
  }

  #arriveFrom(run: number, arrive: () => readonly number[]): readonly number[] {
    const known = this.#arrivalsFrom.get(run) ?? arrive();
    this.#arrivalsFrom.set(run, known);
    return known;
  }

  #arriveAfter(actor: Actor, stage: string, outcome: Outcome, variables: Variables): readonly number[] {
    return [stageOf(actor, stage).leadsTo(outcome, variables)].flat().flatMap((next) => this.#arrive(actor, next));
  }

  #positionIn(run: number): number {
    return this.#positions.of({ stage: this.#runs.at(run).stage, run }, `${run}`);
  }

  #runOf(actor: Actor, stage: string, variables: Variables, answers: readonly Answer[]): number {
    const key = JSON.stringify([actor.name, stage, variables, answers]);
    const known = this.#runs.find(key);
    if (known !== undefined) return known;
    throw new NotKnown(async () => {
      const pause = await runUntil(stageOf(actor, stage).run, variables, answers);
      this.#runs.of({ actor: actor.name, stage, variables, answers, pause }, key);
    });
  }

  #actor(name: string): Actor {
    return this.#model.actors[this.#actorNames.indexOf(name)] as Actor;
  }

  #view(state: State): View {
    return {
      part: (name) => this.#contents.at(numberAt(state, PARTS + this.#partNames.indexOf(name))),
      stageOf: (name) => this.#positions.at(numberAt(state, this.#firstActor + this.#actorNames.indexOf(name))).stage,
    };
  }

  #describe({ run, fate }: Successor): string {
    const { actor, stage } = this.#runs.at(run);
    const { action, part } = this.#callOf(run);
    return `${actor} ${fate}: ${stage}, ${action} of ${part}`;
  }
}

/** What code does next must be learned by running it. */
class NotKnown {
  readonly learn: () => Promise<void>;

  constructor(learn: () => Promise<void>) {
    this.learn = learn;
  }
}

/** Gives each different value a number. */
class Numbered<Value> {
  readonly #numbers = new Map<string, number>();
  readonly #values: Value[] = [];

  get size(): number {
    return this.#values.length;
  }

  of(value: Value, key: string = JSON.stringify(value)): number {
    const known = this.find(key);
    if (known !== undefined) return known;
    const number = this.#values.push(value) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  find(key: string): number | undefined {
    return this.#numbers.get(key);
  }

  at(number: number): Value {
    return this.#values[number] as Value;
  }
}

/** Runs a stage up to the call that follows its answers, or to its end. The answer to that call never comes. */
const runUntil = (run: Stage['run'], variables: Variables, answers: readonly Answer[]): Promise<Pause> =>
  new Promise((resolve, reject) => {
    let asked = 0;
    const call = (next: Call): Promise<Answer> => {
      const answer = answers[asked];
      asked += 1;
      if (answer !== undefined) return Promise.resolve(answer);
      resolve({ call: next });
      return new Promise(() => {});
    };
    run(variables, { call }).then(
      (returned) => resolve({ returned: returned ?? null }),
      (thrown: unknown) => (thrown instanceof Failure ? resolve({ threw: thrown.constructor.name }) : reject(thrown)),
    );
  });

const NOBODY = 0xffff;
/** A state as a text, one character for each number or, of a large one, two. */
const nameOf = (state: State): string => {
  const codes: number[] = [];
  for (const number of state) {
    if (number < 0x8000) codes.push(number);
    else codes.push(0x8000 | (number >> 15), number & 0x7fff);
  }
  return String.fromCharCode.apply(null, codes);
};

const numberAt = (state: State, place: number): number => state[place] as number;
const replaced = (state: State, place: number, value: number): number[] => {
  const after = state.slice();
  after[place] = value;
  return after;
};

const stageOf = (actor: Actor, stage: string): Stage => {
  const found = actor.stages[stage];
  if (found === undefined) throw new Error(`${actor.name} has no stage "${stage}".`);
  return found;
};

/** The same value with the keys of its objects sorted: the order in which they came tells nothing. */
const inOrder = <Value>(value: Value): Value => {
  if (Array.isArray(value)) return value.map(inOrder) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)])) as Value;
};
