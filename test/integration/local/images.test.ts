import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { ImageStore } from '../../../local/ecs/image-store.ts';
import { create, register, startHarness } from './ecs-harness.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PUBLISH = join(ROOT, 'local/publish-image.ts');
const FIXTURE = fileURLToPath(new URL('./fixtures/healthy.ts', import.meta.url));

const storeIn = (directory: string) => new ImageStore(directory, join(ROOT, 'node_modules'));
const reference = (digest: string) => `graphfleet-instance@${digest}`;

const publish = async (dataDirectory: string, ...parameters: string[]): Promise<string> => {
  const environment = { ...process.env, GRAPHFLEET_DATA: dataDirectory };
  const published = await promisify(execFile)(process.execPath, [PUBLISH, ...parameters], { env: environment });
  return published.stdout.trim();
};

test('an image is named by what is in it, and is what its name says or not there', async () => {
  const store = storeIn(await temporaryDirectory());

  const digest = store.put('console.log(1);');

  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(store.put('console.log(1);')).toBe(digest);
  expect(store.put('console.log(2);')).not.toBe(digest);
  const found = store.find(reference(digest));
  expect(found).toEqual({ digest, entry: expect.any(String) });
  await writeFile(found?.entry ?? '', 'console.log("another");');
  expect(store.find(reference(digest))).toBeUndefined();
  expect(store.find('graphfleet-instance:latest')).toBeUndefined();
  expect(store.find(reference(`sha256:${'0'.repeat(64)}`))).toBeUndefined();
});

test('the same tree and label are the same image, and another label is another one', async () => {
  const directory = await temporaryDirectory();

  const labelled = await publish(directory, '--label', 'v2');

  expect(await publish(directory, '--label', 'v2')).toBe(labelled);
  expect(await publish(directory)).not.toBe(labelled);
  const { entry = '' } = storeIn(join(directory, 'ecs', 'images')).find(reference(labelled)) ?? {};
  expect(await readFile(entry, 'utf8')).toContain('"label":"v2"');
  // It starts: what it finds wrong is that it was told nothing.
  const start = promisify(execFile)(process.execPath, [entry], { env: { NODE_ENV: 'test' } });
  await expect(start).rejects.toThrow('CONTROL_TABLE_NAME');
});

test('a service runs the image that it was given, whatever was published since, until it is given another', async () => {
  const store = storeIn(await temporaryDirectory());
  const code = (await readFile(FIXTURE, 'utf8')).replaceAll(/^\/\*\*.*$/gm, '');
  const [one, two] = [store.put(`${code}// one`), store.put(`${code}// two`)];
  const { client, report, event } = await startHarness('runs', undefined, (image) => store.find(image));
  await register(client, { image: reference(one) });
  await create(client);
  const first = await report();

  process.kill(first.pid, 'SIGKILL');
  await report();
  expect(await event('started', 2)).toMatchObject({ image: one });

  await register(client, { image: reference(two) });
  await client.send(
    new UpdateServiceCommand({ cluster: 'fleet', service: 'inst-1', taskDefinition: 'graphfleet-standard' }),
  );
  await report();
  expect(await event('started', 3)).toMatchObject({ image: two });
});
