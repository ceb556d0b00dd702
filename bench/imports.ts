import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';
import { FUNCTION_BUNDLING } from '../lib/service/function-code.ts';
import { LAMBDA_ENVIRONMENT } from '../test/infra/lambda-environment.ts';
import { percentile, printTable } from './figures.ts';

/**
 * How long a function's file takes to be imported in a fresh process, which is what a cold start adds to Lambda's own part:
 * each bundle that `cdk synth` left in `cdk.out`, in rounds, so that all see the same machine. An empty module is the
 * yardstick; libraries alone, bundled in the same way, tell what the time goes to. The processor's time is what other work on
 * the machine changes least.
 * `npm run bench:imports -- --rounds 5 --slowest 12`
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    slowest: { type: 'string', default: '12' },
    output: { type: 'string', default: 'cdk.out' },
  },
});

type Subject = { name: string; file: string; milliseconds: number[]; processorMs: number[] };
type Resource = { Type: string; Properties: { FunctionName?: string }; Metadata?: Record<string, string> };

const LIBRARIES = {
  'an empty module': '',
  "only Node's HTTPS and cryptography": "import 'node:https'; import 'node:crypto';",
  'only zod': "import * as z from 'zod'; console.assert(z.object({ name: z.string() }));",
  'only the logger': "import { Logger } from '@aws-lambda-powertools/logger'; new Logger();",
  'only the client of DynamoDB':
    "import { DynamoDBClient } from '@aws-sdk/client-dynamodb'; import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'; console.assert(DynamoDBDocumentClient.from(new DynamoDBClient({})), GetCommand);",
  'the clients of DynamoDB and Step Functions':
    "import { DynamoDBClient } from '@aws-sdk/client-dynamodb'; import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'; import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'; console.assert(DynamoDBDocumentClient.from(new DynamoDBClient({})), GetCommand, new SFNClient({}), StartExecutionCommand);",
};

const directory = mkdtempSync(join(tmpdir(), 'graphfleet-imports-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const bundled = ([name, contents]: [string, string], at: number): Subject => {
  const file = join(directory, `${at}.mjs`);
  if (contents === '') writeFileSync(file, 'export {};');
  else buildSync({ ...FUNCTION_BUNDLING, stdin: { contents, resolveDir: '.' }, outfile: file });
  return { name, file, milliseconds: [], processorMs: [] };
};

/** Every function of the stacks in a cloud assembly. */
const functionsIn = (output: string): Subject[] =>
  readdirSync(output)
    .filter((file) => file.endsWith('.template.json'))
    .flatMap((file) => {
      const { Resources } = JSON.parse(readFileSync(join(output, file), 'utf8')) as {
        Resources: Record<string, Resource>;
      };
      return Object.values(Resources).flatMap(({ Type, Properties, Metadata }) => {
        const asset = Metadata?.['aws:asset:path'];
        const name = Properties?.FunctionName;
        if (Type !== 'AWS::Lambda::Function' || asset === undefined || name === undefined) return [];
        return { name, file: resolve(output, asset, 'index.mjs'), milliseconds: [], processorMs: [] };
      });
    });

const IMPORT = `
  globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
  const [startedAt, used] = [performance.now(), process.cpuUsage()];
  await import(process.argv[1]);
  const { user, system } = process.cpuUsage(used);
  process.stdout.write(JSON.stringify([performance.now() - startedAt, (user + system) / 1_000]));`;

const importTimes = (file: string): [milliseconds: number, processorMs: number] =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', IMPORT, file], {
      env: LAMBDA_ENVIRONMENT,
      cwd: '/',
    }).toString(),
  ) as [number, number];

const libraries = Object.entries(LIBRARIES).map(bundled);
const functions = functionsIn(values.output);
if (functions.length === 0) throw new Error(`There are no functions in "${values.output}": run \`npm run synth\`.`);
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const { file, milliseconds, processorMs } of [...libraries, ...functions]) {
    const [elapsed, used] = importTimes(file);
    milliseconds.push(elapsed);
    processorMs.push(used);
  }

const rowOf = ({ name, file, milliseconds, processorMs }: Subject) => ({
  module: name,
  KB: String(Math.round(statSync(file).size / 1_024)),
  'median ms': percentile(milliseconds, 50).toFixed(1),
  'least ms': Math.min(...milliseconds).toFixed(1),
  'median ms of a processor': percentile(processorMs, 50).toFixed(1),
});
const medians = functions.map(({ milliseconds }) => percentile(milliseconds, 50));
functions.sort((left, right) => percentile(right.milliseconds, 50) - percentile(left.milliseconds, 50));
console.log(
  `Node ${process.version}, ${values.rounds} rounds, ${functions.length} functions: median ${percentile(medians, 50).toFixed(1)} ms, p95 ${percentile(medians, 95).toFixed(1)} ms\n`,
);
printTable([...libraries, ...functions.slice(0, Number(values.slowest)), ...functions.slice(-3)].map(rowOf));
