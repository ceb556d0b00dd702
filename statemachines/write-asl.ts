import { writeFile } from 'node:fs/promises';
import { aslFile, aslOf, MACHINES } from './machines.ts';

for (const machine of MACHINES) await writeFile(aslFile(machine.name), aslOf(machine));
