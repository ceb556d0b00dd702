import { expect, test } from 'vitest';
import { writeDataSet } from '../../../bench/data-set.ts';
import { Staging } from '../staging/staging-fixture.ts';

const PEOPLE = 4_000;

test('one seed gives one data set', async () => {
  const checksums = async (seed: number): Promise<string[]> => {
    await using staging = await Staging.open({});
    const { schema, tables } = await writeDataSet(staging.directory, { people: PEOPLE, seed });
    Object.assign(staging.schema, schema);
    const staged: string[] = [];
    for (const { table, files } of tables) staged.push((await staging.stage(table, files)).checksum);
    return staged;
  };
  const first = await checksums(7);
  expect(await checksums(7)).toEqual(first);
  expect(await checksums(8)).not.toEqual(first);
});
