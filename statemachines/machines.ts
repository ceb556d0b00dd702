import { provisionGraph } from './provision-graph.ts';

/** Every state machine. */
export const MACHINES = [provisionGraph] as const;

/** The machine's ASL, as it is committed and deployed. */
export const aslOf = (machine: (typeof MACHINES)[number]): string => `${JSON.stringify(machine.definition, null, 2)}\n`;

/** Where a machine's ASL is committed. */
export const aslFile = (name: string): URL => new URL(`asl/${name}.asl.json`, import.meta.url);
