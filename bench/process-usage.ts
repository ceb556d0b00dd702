import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What processes hold of memory now, and what processor time they have taken since they began. */
export type ProcessUsage = { mebibytes: number; cpuMs: number };

/** The kernel counts processor time in hundredths of a second. */
const MS_PER_TICK = 10;

/** The usage of a process and of all that it started, by what each of them runs. */
export const usageByRole = (pid: number): Record<string, ProcessUsage> => {
  const byParent = new Map<number, { pid: number; command: string }[]>();
  for (const line of execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')) {
    const [, child, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    byParent.set(Number(parent), [...(byParent.get(Number(parent)) ?? []), { pid: Number(child), command }]);
  }
  const usage: Record<string, ProcessUsage> = { runtime: usageOf(pid) };
  const visit = (parent: number): void => {
    for (const { pid: child, command } of byParent.get(parent) ?? []) {
      const role = command.includes('dynalite') ? 'store' : command.includes('/ecs/images/') ? 'instances' : 'other';
      const { mebibytes, cpuMs } = usageOf(child);
      const before = usage[role] ?? { mebibytes: 0, cpuMs: 0 };
      usage[role] = { mebibytes: before.mebibytes + mebibytes, cpuMs: before.cpuMs + cpuMs };
      visit(child);
    }
  };
  visit(pid);
  return usage;
};

/** Nothing when it has ended meanwhile. */
const usageOf = (pid: number): ProcessUsage => {
  try {
    const mebibytes =
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
    // The name comes first, in brackets, and may have any characters; user and system time are the 12th and 13th behind it.
    const [, fields = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return { mebibytes, cpuMs: ((user ?? 0) + (system ?? 0)) * MS_PER_TICK };
  } catch {
    return { mebibytes: 0, cpuMs: 0 };
  }
};
