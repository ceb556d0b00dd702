import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { startStepFunctions } from '../../../local/step-functions/start-step-functions.ts';

/**
 * How fast the runner is: executions of five Lambda states, started and described through the SDK's own client, which
 * shares the core with the runner. `node test/integration/step-functions/measure.ts`
 */
const STATES = 5;
const EXECUTIONS = 2000;

const folder = await mkdtemp(join(tmpdir(), 'step-functions-'));
const stepFunctions = await startStepFunctions({
  port: 0,
  databaseFile: join(folder, 'journal.sqlite'),
  region: 'eu-west-1',
  accountId: '123456789012',
  sdk: {},
  invokeFunction: async (step, payload) => ({ step, payload }),
});
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const client = new SFNClient({ endpoint: stepFunctions.url, region: 'eu-west-1', credentials });

const step = (n: number) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: `step-${n}`, Payload: { operation: '{% $states.context.Execution.Name %}' } },
  Assign: { [`step${n}`]: '{% $states.result.Payload.step %}' },
  Output: '{% $states.result.Payload %}',
  TimeoutSeconds: 60,
  Retry: [{ ErrorEquals: ['Lambda.Unknown'], JitterStrategy: 'FULL' }],
  ...(n === STATES ? { End: true } : { Next: `Step${n + 1}` }),
});
const States = Object.fromEntries(Array.from({ length: STATES }, (_, n) => [`Step${n + 1}`, step(n + 1)]));
const { stateMachineArn } = await client.send(
  new CreateStateMachineCommand({
    name: 'measured',
    roleArn: 'arn:aws:iam::123456789012:role/workflows',
    definition: JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'Step1', States }),
  }),
);

const runOne = async (): Promise<void> => {
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn }));
  for (;;) {
    const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (status === 'SUCCEEDED') return;
    if (status !== 'RUNNING') throw new Error(`The execution ended as ${status}`);
  }
};

const measure = async (atOnce: number): Promise<void> => {
  const took: number[] = [];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let left = EXECUTIONS;
  const work = async () => {
    for (; left > 0; ) {
      left -= 1;
      const from = performance.now();
      await runOne();
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  took.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) => took[Math.floor(took.length * share)]?.toFixed(2));
  const cores = ((user + system) / 1e6 / seconds).toFixed(2);
  console.log(
    `${atOnce} at once: ${(took.length / seconds).toFixed(0)}/s, p50 ${p50} ms, p99 ${p99} ms, ${cores} cores`,
  );
};

await measure(1);
await measure(1);
await measure(32);
client.destroy();
await stepFunctions.close();
await rm(folder, { recursive: true });
