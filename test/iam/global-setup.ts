import type { TestProject } from 'vitest/node';
import { setup as synthesize } from '../infra/global-setup.ts';

/** The templates of the dev stage: of `GRAPHFLEET_ASSEMBLY`, if somebody has synthesized them already. */
export const setup = (project: TestProject): (() => void) => {
  const { GRAPHFLEET_ASSEMBLY } = process.env;
  if (GRAPHFLEET_ASSEMBLY === undefined) return synthesize(project);
  project.provide('templates', GRAPHFLEET_ASSEMBLY);
  return () => {};
};
