import { z } from 'zod';
import { inSeconds } from '../../aws-json/in-seconds.ts';
import { type Action, action } from './action.ts';
import { page, pageFields } from './page.ts';

const refused = z.undefined({ error: 'is not modelled by this runner' }).optional();

const createStateMachine = action(
  z.object({
    name: z.string(),
    definition: z.string(),
    roleArn: z.string(),
    type: z.literal('STANDARD', { error: 'only STANDARD machines are modelled' }).optional(),
    publish: z.literal(false, { error: 'versions are not modelled' }).optional(),
    versionDescription: refused,
  }),
  ({ machines }, request) => {
    const { arn, createdAt } = machines.create(request);
    return { stateMachineArn: arn, creationDate: inSeconds(createdAt) };
  },
);

const updateStateMachine = action(
  z.object({
    stateMachineArn: z.string(),
    definition: z.string().optional(),
    roleArn: z.string().optional(),
    publish: z.literal(false, { error: 'versions are not modelled' }).optional(),
    versionDescription: refused,
  }),
  ({ machines, clock }, { stateMachineArn, ...change }) => {
    const { revision } = machines.update(stateMachineArn, change);
    return { updateDate: inSeconds(clock.now()), revisionId: String(revision) };
  },
);

const describeStateMachine = action(z.object({ stateMachineArn: z.string() }), ({ machines }, { stateMachineArn }) => {
  const { arn, name, definition, roleArn, revision, createdAt } = machines.get(stateMachineArn);
  return {
    stateMachineArn: arn,
    name,
    status: 'ACTIVE',
    type: 'STANDARD',
    definition,
    roleArn,
    creationDate: inSeconds(createdAt),
    revisionId: String(revision),
  };
});

const listStateMachines = action(z.object(pageFields), ({ journal }, request) => {
  const { rows, ...next } = page(
    request,
    (limit, after) => journal.machines(limit, after),
    ({ arn }) => arn,
  );
  const stateMachines = rows.map(({ arn, name, createdAt }) => ({
    stateMachineArn: arn,
    name,
    type: 'STANDARD',
    creationDate: inSeconds(createdAt),
  }));
  return { stateMachines, ...next };
});

/** What the API does with machines. */
export const machineActions: Record<string, Action> = {
  CreateStateMachine: createStateMachine,
  UpdateStateMachine: updateStateMachine,
  DescribeStateMachine: describeStateMachine,
  ListStateMachines: listStateMachines,
};
