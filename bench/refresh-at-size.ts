import { parseArgs } from 'node:util';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import type { FleetRefreshResult } from '../domain/refresh/refresh-report.ts';
import { LOCAL } from '../local/settings.ts';
import { registerInstance } from '../test/integration/lease/instances.ts';
import { askForFleetRefresh, wantImage } from '../test/integration/workflows/machines/refresh-fleet.ts';
import { openStage } from '../test/integration/workflows/stage.ts';
import { printTable } from './figures.ts';

/**
 * One refresh of many instances, each by a real operation of its own, one after the other: the history of its execution
 * beside the limits of Step Functions. The instances are items without a task: each turns out to have the wanted image when
 * it is its turn, so that the refresh of one costs its workflow's first step.
 * `npm run bench:refresh -- --instances 1000`
 */
const { values } = parseArgs({ options: { instances: { type: 'string', default: '1000' } } });
const COUNT = Number(values.instances);
const TIER = 'xlarge';
const [OLD, WANTED] = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];

const stage = await openStage();
try {
  const registerAll = async (image: string, taskArn: string) => {
    for (let at = 1; at <= COUNT; at += 1) {
      await registerInstance(stage.table, { instanceId: `inst-${TIER}-${at}`, tier: TIER, image, taskArn });
    }
  };
  await registerAll(OLD, 'task-1');
  await wantImage(stage, TIER, WANTED);
  const asked = askForFleetRefresh({ tiers: [TIER] });
  const { operationId } = asked;
  stage.faults.afterwards({ operationId, from: '', after: 'PlanRefresh', act: () => registerAll(WANTED, 'task-2') });
  const began = performance.now();
  await stage.commands.accept(asked);
  await stage.finish(operationId);
  const seconds = (performance.now() - began) / 1_000;

  const execution = `arn:aws:states:${LOCAL.region}:${LOCAL.accountId}:execution:refresh-fleet:${operationId}`;
  let events = 0;
  let largest = 0;
  let nextToken: string | undefined;
  do {
    const page = await stage.stepFunctions.send(
      new GetExecutionHistoryCommand({ executionArn: execution, maxResults: 1_000, ...(nextToken && { nextToken }) }),
    );
    for (const event of page.events ?? []) {
      events += 1;
      largest = Math.max(largest, JSON.stringify(event).length);
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const { status, result, seq } = await stage.log.get(operationId);
  const { outcome, counts, instances } = result as FleetRefreshResult;
  const { items } = await stage.world();
  const bytesOf = (sk: string) =>
    Math.max(
      ...items
        .filter((item) => item.pk === `OP#${operationId}` && item.sk.startsWith(sk))
        .map((item) => JSON.stringify(item).length),
    );
  const row = (refresh: string, figure: string | number, limit: string | number = '') => ({
    refresh,
    figure: String(figure),
    limit: String(limit),
  });
  printTable([
    row('instances', COUNT),
    row('ended', `${status}, ${outcome}: ${JSON.stringify(counts)}`),
    row('seconds', seconds.toFixed(1)),
    row('events of the execution', events, 25_000),
    row('bytes of the largest event', largest, 256 * 1_024),
    row('bytes of the plan (one item)', bytesOf('PLAN'), 400 * 1_024),
    row('bytes of the walk (one item)', bytesOf('WALK'), 400 * 1_024),
    row('bytes of the largest event of the log', bytesOf('EVT#'), 400 * 1_024),
    row('events of the log', seq),
    row('instances in the result', instances.length, 100),
  ]);
} finally {
  await stage.close();
}
