type Memory = { readonly least: number; readonly most: number; readonly step: number };

/** The memory that Fargate takes with as many processor units, in megabytes: the ECS guide, "Task CPU and memory". */
const MEMORY_OF: ReadonlyMap<number, Memory> = new Map([
  [512, { least: 1_024, most: 4_096, step: 1_024 }],
  [1_024, { least: 2_048, most: 8_192, step: 1_024 }],
  [2_048, { least: 4_096, most: 16_384, step: 1_024 }],
  [4_096, { least: 8_192, most: 30_720, step: 1_024 }],
  [8_192, { least: 16_384, most: 61_440, step: 4_096 }],
  [16_384, { least: 32_768, most: 122_880, step: 8_192 }],
]);

/** @returns what is wrong with the size of a task for Fargate, in a sentence; null: nothing */
export const wrongForFargate = (processorUnits: number, memoryMegabytes: number): string | null => {
  const memory = MEMORY_OF.get(processorUnits);
  if (memory === undefined)
    return `Fargate has ${[...MEMORY_OF.keys()].join(', ')} processor units, not ${processorUnits}.`;
  const { least, most, step } = memory;
  const fits = memoryMegabytes >= least && memoryMegabytes <= most && memoryMegabytes % step === 0;
  return fits
    ? null
    : `With ${processorUnits} processor units Fargate has ${least} to ${most} megabytes, in steps of ${step}.`;
};
