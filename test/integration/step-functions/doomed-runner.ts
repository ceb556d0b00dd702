import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startStepFunctions } from '../../../local/step-functions/start-step-functions.ts';

/**
 * A runner in a process of its own, made to be killed. Functions whose name begins with `hang` never answer; those that
 * begin with `fail` throw. Says where it listens, and whom it calls, a line each.
 */
const [databaseFile = '', dynamodbEndpoint = ''] = process.argv.slice(2);
const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

const { url } = await startStepFunctions({
  port: 0,
  databaseFile,
  region: 'eu-west-1',
  accountId: '123456789012',
  sdk: {
    dynamodb: new DynamoDBClient({
      endpoint: dynamodbEndpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
  },
  async invokeFunction(name, payload) {
    say({ called: name, payload });
    if (name.startsWith('hang')) return new Promise(() => {});
    if (name.startsWith('fail')) throw Object.assign(new Error('it broke'), { name: 'Boom' });
    return payload;
  },
});
say({ url });
