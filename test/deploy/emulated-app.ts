import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { TokenEnvironment } from '../../contract/environment.ts';
import { adaptAssembly } from './emulated-assembly.ts';

/**
 * The CDK's app as the emulator takes it, in place of the one in `cdk.json`: synthesizes the working tree with the context of
 * the command line, and adapts what came out. Whose tokens the API takes is in the environment.
 */
const APP = fileURLToPath(new URL('../../bin/graphfleet.ts', import.meta.url));

const { CDK_OUTDIR, ...tokens } = z.object({ ...TokenEnvironment.shape, CDK_OUTDIR: z.string() }).parse(process.env);
const { status } = spawnSync(process.execPath, [APP], { stdio: 'inherit' });
// It has said why.
if (status !== 0) process.exit(status ?? 1);
await adaptAssembly(CDK_OUTDIR, tokens);
