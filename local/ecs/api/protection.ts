import * as z from 'zod';
import type { Supervisor } from '../supervisor.ts';
import type { Task } from '../task.ts';

export const ExpiresInMinutes = z.int().min(1).max(2880).default(120);

/** Protects a task from being scaled in for a time, or no longer. */
export const protect = (supervisor: Supervisor, task: Task, enabled: boolean, expiresInMinutes: number): void => {
  task.protectedUntil = enabled ? Date.now() + expiresInMinutes * 60_000 : 0;
  supervisor.protectionChanged(task);
};
