import { expect, test } from 'vitest';
import { isCommand } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';

test.each(ROUTES)('$method $path is served by a function of the API', ({ function: name }) => {
  expect(FUNCTIONS[name as FunctionName]).toMatchObject({ folder: 'api' });
});

test.each(ROUTES.filter((route) => isCommand(route) && route.scope !== null))(
  '$method $path knows how many commands a second a tenant may give',
  ({ function: name }) => {
    expect(Object.keys(FUNCTIONS[name as FunctionName].environment.shape)).toContain('COMMANDS_PER_SECOND');
  },
);
