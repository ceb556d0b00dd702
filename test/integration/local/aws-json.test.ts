import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { actionOf } from '../../../local/aws-json/action.ts';
import { ApiError } from '../../../local/aws-json/api-error.ts';
import { serveActions } from '../../../local/aws-json/serve-actions.ts';

type Clerk = { readonly name: string };
type ErrorType = 'BadRequest' | 'Closed' | 'NoSuchAction';

const action = actionOf<Clerk, ErrorType>('BadRequest');
const api = {
  protocol: '1.1',
  targetPrefix: 'Desk.',
  actions: {
    Greet: action(z.object({ guest: z.string() }), ({ name }, { guest }) => ({ says: `${guest}, I am ${name}` })),
    Refuse: action(z.object({}), () => {
      throw new ApiError<ErrorType>('Closed', 'come back tomorrow');
    }),
    Break: action(z.object({}), () => {
      throw new Error('the bell is broken');
    }),
  },
  unknownAction: 'NoSuchAction',
  notJson: 'BadRequest',
  internalFault: 'Fault',
} as const;

const open = async (more: { get?: (clerk: Clerk, path: string) => object | undefined } = {}) => {
  const desk = await serveActions<Clerk, ErrorType>({ ...api, ...more }, { name: 'Bo' }, 0);
  onTestFinished(() => desk.close());
  const answerOf = async (response: Response) => ({ status: response.status, body: await response.json() });
  const post = (target: string, body: string) =>
    fetch(desk.url, { method: 'POST', headers: { 'x-amz-target': target }, body });
  return {
    post,
    call: async (target: string, body = '{}') => answerOf(await post(target, body)),
    get: async (path: string) => answerOf(await fetch(`${desk.url}${path}`)),
  };
};

test('an action takes the body and answers in the content type of the protocol', async () => {
  const { post } = await open();
  const response = await post('Desk.Greet', '{"guest":"Al"}');
  expect(response.headers.get('content-type')).toBe('application/x-amz-json-1.1');
  expect(await response.json()).toEqual({ says: 'Al, I am Bo' });
});

test('an idle connection is left for the client to close', async () => {
  const { post } = await open();
  const response = await post('Desk.Greet', '{"guest":"Al"}');
  await response.text();
  // The server promises a timeout in this header as soon as it has one.
  expect(response.headers.get('connection')).toBe('keep-alive');
  expect(response.headers.get('keep-alive')).toBeNull();
});

test.each([
  ['a refusal', 'Desk.Refuse', '{}', 400, 'Closed', 'come back tomorrow'],
  ['a request that the schema rules out', 'Desk.Greet', '{}', 400, 'BadRequest', 'guest'],
  ['a body that is not JSON', 'Desk.Greet', '{', 400, 'BadRequest', 'not JSON'],
  ['an action that is not known', 'Desk.Dance', '{}', 400, 'NoSuchAction', 'Desk.Dance'],
  ['an action of another service', 'Bar.Greet', '{}', 400, 'NoSuchAction', 'Bar.Greet'],
  ['a fault of our own', 'Desk.Break', '{}', 500, 'Fault', 'the bell is broken'],
])('%s is told by its type', async (_what, target, body, status, type, says) => {
  const { call } = await open();
  const message: unknown = expect.stringContaining(says);
  expect(await call(target, body)).toEqual({ status, body: { __type: type, message } });
});

test('a GET is answered where the service does so, and is an unknown action elsewhere', async () => {
  const { get } = await open({ get: ({ name }, path) => (path === '/name' ? { name } : undefined) });
  expect(await get('/name')).toEqual({ status: 200, body: { name: 'Bo' } });
  expect(await get('/age')).toEqual({ status: 404, body: {} });
  const { get: withoutGet } = await open();
  expect(await withoutGet('/name')).toMatchObject({ status: 400, body: { __type: 'NoSuchAction' } });
});
