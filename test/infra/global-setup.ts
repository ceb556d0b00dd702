import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import type { TestProject } from 'vitest/node';
import { buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { contextOf } from './cdk-context.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A directory with the synthesized templates of the dev stage, without the functions' code. */
    templates: string;
  }
}

/** Synthesizes the dev stage once for all test files: it takes seconds. */
export const setup = (project: TestProject): (() => void) => {
  const outdir = mkdtempSync(join(tmpdir(), 'graphfleet-templates-'));
  const app = new App({ outdir, context: contextOf({}) });
  buildApplication(app, CONFIGURATIONS.dev, PLACEHOLDER_IMAGE);
  app.synth();
  project.provide('templates', outdir);
  return () => rmSync(outdir, { recursive: true, force: true });
};
