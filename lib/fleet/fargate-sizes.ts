const fromTo = (least: number, most: number, step: number): number[] =>
  Array.from({ length: (most - least) / step + 1 }, (_, at) => least + at * step);

/** The memory that Fargate takes with as many processor units, in megabytes: the ECS guide, "Task CPU and memory". */
const FARGATE_SIZES: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1_024, 2_048]],
  [512, fromTo(1_024, 4_096, 1_024)],
  [1_024, fromTo(2_048, 8_192, 1_024)],
  [2_048, fromTo(4_096, 16_384, 1_024)],
  [4_096, fromTo(8_192, 30_720, 1_024)],
  [8_192, fromTo(16_384, 61_440, 4_096)],
  [16_384, fromTo(32_768, 122_880, 8_192)],
]);

/** @returns what is wrong with the size of a task for Fargate, in a sentence; null: nothing */
export const wrongForFargate = (processorUnits: number, memoryMegabytes: number): string | null => {
  const memory = FARGATE_SIZES.get(processorUnits);
  if (memory === undefined) return `Give processorUnits that Fargate has: ${[...FARGATE_SIZES.keys()].join(', ')}.`;
  if (memory.includes(memoryMegabytes)) return null;
  return `Give memoryMegabytes that Fargate has with ${processorUnits} processorUnits: ${memory.join(', ')}.`;
};
