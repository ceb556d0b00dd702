import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Resident memory of a process and of all that it started, in MiB, by what each of them runs. */
export const memoryOf = (pid: number): Record<string, number> => {
  const byParent = new Map<number, { pid: number; command: string }[]>();
  for (const line of execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')) {
    const [, child, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    byParent.set(Number(parent), [...(byParent.get(Number(parent)) ?? []), { pid: Number(child), command }]);
  }
  const memory: Record<string, number> = { runtime: residentMebibytes(pid) };
  const visit = (parent: number): void => {
    for (const { pid: child, command } of byParent.get(parent) ?? []) {
      const name = command.includes('dynalite') ? 'store' : command.includes('instance/main') ? 'instances' : 'other';
      memory[name] = (memory[name] ?? 0) + residentMebibytes(child);
      visit(child);
    }
  };
  visit(pid);
  return memory;
};

const residentMebibytes = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0; // It has ended meanwhile.
  }
};
