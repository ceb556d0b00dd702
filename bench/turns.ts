import { percentile } from './figures.ts';

/** What a turn took; processor time is of all that worked for it, and a busy machine does not change it much. */
export type Turn = { seconds: number; cpuSeconds: number };

/** Takes turns, so that what else the machine does falls on all; the median of each. */
export const inTurns = async <Name extends string>(
  rounds: number,
  works: Record<Name, { work: () => Promise<unknown>; cpuMs?: () => number }>,
): Promise<Record<Name, Turn>> => {
  const names = Object.keys(works) as Name[];
  const turns = new Map<Name, Turn[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const { work, cpuMs = ownCpuMs } = works[name];
      const [cpuBefore, startedAt] = [cpuMs(), performance.now()];
      await work();
      const seconds = (performance.now() - startedAt) / 1_000;
      turns.get(name)?.push({ seconds, cpuSeconds: (cpuMs() - cpuBefore) / 1_000 });
    }
  }
  const medianOf = (name: Name): Turn => ({
    seconds: percentile(turns.get(name)?.map(({ seconds }) => seconds) ?? [], 50),
    cpuSeconds: percentile(turns.get(name)?.map(({ cpuSeconds }) => cpuSeconds) ?? [], 50),
  });
  return Object.fromEntries(names.map((name) => [name, medianOf(name)])) as Record<Name, Turn>;
};

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
