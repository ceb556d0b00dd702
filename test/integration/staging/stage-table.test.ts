import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../../domain/failure.ts';
import { RowsRejected } from '../../../instance/staging/rejected-rows.ts';
import { Staging } from './staging-fixture.ts';

const PERSON = {
  name: 'Person',
  properties: [
    { name: 'id', type: 'INT64', primaryKey: true },
    { name: 'name', type: 'STRING', primaryKey: false },
    { name: 'born', type: 'DATE', primaryKey: false },
    { name: 'balance', type: 'DECIMAL(10, 2)', primaryKey: false },
  ],
};
const KNOWS = { name: 'KNOWS', from: 'Person', to: 'Person', properties: [{ name: 'since', type: 'DATE' }] };
const people = () => Staging.open({ nodes: [PERSON], relationships: [KNOWS] });

const rejectionOf = async (staging: Promise<unknown>): Promise<RowsRejected> => {
  const error = await staging.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (error instanceof RowsRejected) return error;
  throw new Error('The rows were not rejected.', { cause: error });
};

describe('every format gives the same rows', () => {
  const rows = [
    { id: '1', name: 'Ada, "the first"\nof 北京 😀', born: '1815-12-10', balance: '-0.05' },
    { id: '2', name: '', born: null, balance: null },
    { id: '9223372036854775807', name: null, born: '2024-02-29', balance: '12345678.90' },
  ];
  const json = (row: (typeof rows)[number]) =>
    `{"id": ${row.id}, "name": ${JSON.stringify(row.name)}, "born": ${JSON.stringify(row.born)}, "balance": ${JSON.stringify(row.balance)}}`;
  const csv =
    'born,id,NAME,balance\n1815-12-10,1,"Ada, ""the first""\nof 北京 😀",-0.05\n,2,"",\n2024-02-29,9223372036854775807,,12345678.9\n';

  test.each([
    ['people.csv', csv],
    ['people.csv.gz', csv],
    ['people.csv', `\uFEFF${csv.replaceAll(/\n(?!of)/g, '\r\n')}`],
    ['people.ndjson', rows.map(json).join('\n')],
    ['people.ndjson.gz', rows.map(json).join('\n')],
    ['people.json', `[\n${rows.map(json).join(',\n')}\n]`],
    ['people.json.gz', `[${rows.map(json).join(',')}]`],
  ])('%s', async (name, content) => {
    await using staging = await people();
    const staged = await staging.stage('Person', [await staging.file(name, content)]);
    expect(staged).toMatchObject({
      rows: 3,
      rejected: { count: 0, first: [] },
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await staging.query('Person')).toEqual(rows);
    expect(await staging.query('Person', 'SELECT typeof(COLUMNS(*)) FROM staged LIMIT 1')).toEqual([
      { id: 'BIGINT', name: 'VARCHAR', born: 'DATE', balance: 'VARCHAR' },
    ]);
  });

  test('Parquet, of the same and of other types', async () => {
    await using staging = await people();
    const file = await staging.parquet(
      'people.parquet',
      `SELECT 2::TINYINT AS id, TIMESTAMP '2020-01-01' AS born, 'x' AS name, 1.5::DOUBLE AS balance`,
    );
    await staging.stage('Person', [file]);
    expect(await staging.query('Person')).toEqual([{ id: '2', name: 'x', born: '2020-01-01', balance: '1.50' }]);
  });

  test('several files of several formats are one table, in their order', async () => {
    await using staging = await people();
    const files = [
      await staging.file('b.ndjson.gz', '{"id": 5}\n'),
      await staging.file('a.csv', 'id;born\n4;2020-01-01\n', { delimiter: ';' }),
      await staging.parquet('c.parquet', 'SELECT 3 AS id'),
    ];
    const first = await staging.stage('Person', files);
    expect(await staging.query('Person', 'SELECT id FROM staged')).toEqual([{ id: '5' }, { id: '4' }, { id: '3' }]);
    expect((await staging.stage('Person', files)).checksum).toBe(first.checksum);
  });

  test('a relationship has its ends first, of the type of the keys they name', async () => {
    await using staging = await people();
    await staging.stage('KNOWS', [await staging.file('knows.csv', 'since,to,from\n2020-01-01,2,1\n2020-01-01,2,1\n')]);
    expect(await staging.query('KNOWS', 'SELECT DISTINCT * FROM staged')).toEqual([
      { from: '1', to: '2', since: '2020-01-01' },
    ]);
    expect(await staging.query('KNOWS', 'SELECT typeof("from") AS type FROM staged LIMIT 1')).toEqual([
      { type: 'BIGINT' },
    ]);
  });
});

describe('what is wrong is said by file, line, column and value', () => {
  test('in CSV, whose records can have line breaks and blank lines between them', async () => {
    await using staging = await people();
    const good = await staging.file('good.csv', 'id\n100\n');
    const bad = await staging.file(
      'bad.csv',
      'id,name,born,balance\n1,"two\nlines",2020-01-01,1\n2,x,2020-13-01,1\n\n3,x\n4,x,2020-01-01,1.239\n1.5,x,,\n,x,,\n7,a,b,c,d\n8,x,2020-01-01 12:00:00,\n1,again,,\n',
    );
    const { rejected, message, issues } = await rejectionOf(staging.stage('Person', [good, bad]));
    expect(rejected).toEqual({
      count: 8,
      first: [
        {
          file: 'bad.csv',
          row: 2,
          line: 4,
          column: 'born',
          value: '2020-13-01',
          reason: expect.stringContaining('not a date'),
        },
        {
          file: 'bad.csv',
          row: 3,
          line: 6,
          column: null,
          value: '3,x',
          reason: 'has fewer fields than the first line',
        },
        {
          file: 'bad.csv',
          row: 4,
          line: 7,
          column: 'balance',
          value: '1.239',
          reason: expect.stringContaining('2 after the point'),
        },
        {
          file: 'bad.csv',
          row: 5,
          line: 8,
          column: 'id',
          value: '1.5',
          reason: 'is not a whole number in the range of INT64',
        },
        { file: 'bad.csv', row: 6, line: 9, column: 'id', value: null, reason: 'is a key and has no value' },
        {
          file: 'bad.csv',
          row: 7,
          line: 10,
          column: null,
          value: '7,a,b,c,d',
          reason: 'has more fields than the first line',
        },
        {
          file: 'bad.csv',
          row: 8,
          line: 11,
          column: 'born',
          value: '2020-01-01 12:00:00',
          reason: expect.stringContaining('without a time'),
        },
        {
          file: 'bad.csv',
          row: 9,
          line: 12,
          column: 'id',
          value: '1',
          reason: 'is the key of an earlier row, 1 of bad.csv',
        },
      ],
    });
    expect(message).toContain(
      '8 of the rows for Person can not be staged. The first: bad.csv, line 4: born "2020-13-01"',
    );
    expect(issues).toHaveLength(8);
    expect(await readdir(staging.directory)).toEqual(['bad.csv', 'good.csv']);
  });

  test('in NDJSON, with lines that are no JSON', async () => {
    await using staging = await people();
    const file = await staging.file(
      'bad.ndjson.gz',
      '{"id": 1}\n\n{"id": "x"}\nnot json\n[1]\n{"id": 1.25}\n{"id": 6, "balance": 0.12345678901234567}\n{"id": null}\n{"id": true}\n',
    );
    const { rejected } = await rejectionOf(staging.stage('Person', [file]));
    expect(rejected.first.map(({ line, column, value, reason }) => [line, column, value, reason])).toEqual([
      [3, 'id', 'x', 'is not a whole number in the range of INT64'],
      [4, null, null, 'is not JSON'],
      [5, null, null, 'is not a JSON object'],
      [6, 'id', '1.25', 'is not a whole number in the range of INT64'],
      [7, 'balance', expect.stringContaining('a JSON number keeps 15 digits'), expect.any(String)],
      [8, 'id', null, 'is a key and has no value'],
      [9, 'id', 'true', 'is not a whole number in the range of INT64'],
    ]);
  });

  test('in Parquet and JSON by row', async () => {
    await using staging = await people();
    const parquet = await staging.parquet('p.parquet', 'SELECT unnest([1, 2, 2, NULL, 1.5]) AS id');
    const json = await staging.file('j.json', '[{"id": 7}, {"id": 1}, {"id": 8, "born": "2024"}]');
    const { rejected } = await rejectionOf(staging.stage('Person', [parquet, json]));
    expect(rejected.first.map(({ file, row, line, column }) => [file, row, line, column])).toEqual([
      ['p.parquet', 3, null, 'id'],
      ['p.parquet', 4, null, 'id'],
      ['p.parquet', 5, null, 'id'],
      ['j.json', 2, null, 'id'],
      ['j.json', 3, null, 'born'],
    ]);
  });

  test('the first are kept and all are counted, over many parts of a large file', async () => {
    await using staging = await people();
    const lines = Array.from({ length: 60_000 }, (_, index) => (index % 3 === 0 ? `x${index},"a\nb"` : `${index},"a"`));
    const file = await staging.file('many.csv', `id,name\n${lines.join('\n')}\n`);
    const { rejected } = await rejectionOf(staging.stage('Person', [file], { keepRejects: 3 }));
    expect(rejected.count).toBe(20_000);
    expect(rejected.first.map(({ row, line, value }) => [row, line, value])).toEqual([
      [1, 2, 'x0'],
      [4, 6, 'x3'],
      [7, 10, 'x6'],
    ]);
  });

  test.each([
    ['numbers close together', 'INT64', ['-3', '5', '4', '5']],
    ['numbers far apart', 'INT64', ['-9223372036854775808', '9223372036854775807', '-9223372036854775808']],
    ['large numbers', 'UINT64', ['18446744073709551615', '18446744073709551614', '18446744073709551615']],
    ['small numbers', 'INT8', ['127', '-128', '0', '127']],
    ['texts', 'STRING', ['a', 'A', 'á', 'a']],
  ])('of keys that are %s, the one that is there twice, and no other', async (_, type, keys) => {
    await using staging = await Staging.open({
      nodes: [{ name: 'Thing', properties: [{ name: 'id', type, primaryKey: true }] }],
    });
    const csv = (rows: readonly string[]) => ['id', ...rows, ''].join('\n');
    expect(await staging.stage('Thing', [await staging.file('once.csv', csv(keys.slice(0, -1)))])).toMatchObject({
      rows: keys.length - 1,
    });
    const twice = staging.stage('Thing', [await staging.file('twice.csv', csv(keys))]);
    expect((await rejectionOf(twice)).rejected).toMatchObject({ count: 1, first: [{ row: keys.length }] });
  });

  test('columns that are missing, unknown or there twice, before any row is read', async () => {
    await using staging = await people();
    const refusal = async (name: string, content: string) =>
      staging.stage('Person', [await staging.file(name, content)]);
    await expect(refusal('a.csv', 'name,age,Name\nx,1,y\n')).rejects.toThrow(
      'a.csv: Person has no column age; the column Name is there more than once; the column id is missing.',
    );
    await expect(refusal('b.ndjson', '{"id": 1}\n{"id": 2, "agee": 1}\n')).rejects.toThrow(
      'b.ndjson: Person has no column agee.',
    );
    await expect(staging.stage('Person', [await staging.parquet('c.parquet', 'SELECT 1 AS ident')])).rejects.toThrow(
      'c.parquet: Person has no column ident; the column id is missing.',
    );
    await expect(refusal('d.csv', '')).rejects.toThrow('d.csv is empty');
    await expect(refusal('e.parquet', 'no parquet')).rejects.toThrow(/^e.parquet can not be read: /);
    await expect(
      staging.stage('Person', [{ ...(await staging.file('f.csv', 'id\n1\n')), compression: 'gzip' }]),
    ).rejects.toThrow(Refusal);
    await expect(staging.stage('Nobody', [])).rejects.toMatchObject({ code: 'not_found' });
  });

  test('with ignoreErrors the other rows are staged, and of one key the first', async () => {
    await using staging = await people();
    const file = await staging.file('p.csv', 'id,name\n1,a\nx,b\n1,c\n2\n3,d\n');
    const staged = await staging.stage('Person', [file], { ignoreErrors: true });
    expect(staged).toMatchObject({ rows: 2, rejected: { count: 3 } });
    expect(staged.rejected.first.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(await staging.query('Person', 'SELECT id, name FROM staged')).toEqual([
      { id: '1', name: 'a' },
      { id: '3', name: 'd' },
    ]);
  });
});

describe('insert', () => {
  test('adds rows after those that are there, and knows their keys', async () => {
    await using staging = await people();
    await staging.stage('Person', [await staging.file('one.csv', 'id,balance\n1,1.5\n2,\n')]);
    const insert = { existing: staging.path('Person.parquet'), output: staging.path('next.parquet') };
    const more = await staging.file('two.csv', 'id\n3\n');
    expect(await staging.stage('Person', [more], insert)).toMatchObject({ rows: 3 });
    expect(await staging.query('next', 'SELECT id, balance FROM staged')).toEqual([
      { id: '1', balance: '1.50' },
      { id: '2', balance: null },
      { id: '3', balance: null },
    ]);
    const again = await staging.file('three.csv', 'id\n4\n2\n');
    const { rejected } = await rejectionOf(staging.stage('Person', [again], insert));
    expect(rejected.first).toEqual([
      {
        file: 'three.csv',
        row: 2,
        line: 3,
        column: 'id',
        value: '2',
        reason: 'is the key of a row that is there already',
      },
    ]);
    expect(await staging.stage('Person', [again], { ...insert, ignoreErrors: true })).toMatchObject({
      rows: 3,
      rejected: { count: 1 },
    });
  });
});

describe('limits', () => {
  test('are looked at before the work, where the size is known, and after it elsewhere', async () => {
    await using staging = await people();
    const csv = await staging.file('p.csv', 'id\n1\n2\n');
    const parquet = await staging.parquet('p.parquet', 'SELECT unnest(range(10)) AS id');
    const limits = (rows: number, bytes: number) => ({ limits: { rows, bytes } });
    await expect(staging.stage('Person', [csv], limits(9, 7)))
      .rejects.toThrow('The files have 7 bytes; a table can have 7.')
      .catch(() => {});
    await expect(staging.stage('Person', [csv], limits(9, 6))).rejects.toMatchObject({ code: 'too_large' });
    await expect(staging.stage('Person', [parquet], limits(9, 10_000))).rejects.toMatchObject({ code: 'too_large' });
    await expect(staging.stage('Person', [csv], limits(1, 10_000))).rejects.toMatchObject({ code: 'too_large' });
    expect(existsSync(staging.path('Person.parquet'))).toBe(false);
  });

  test('an abort interrupts DuckDB and leaves nothing', async () => {
    await using staging = await people();
    const file = await staging.parquet('p.parquet', 'SELECT range AS id FROM range(3000000)');
    const abort = new AbortController();
    const stage = staging.stage('Person', [file, { ...file, name: 'again' }], {
      limits: { rows: 1e9, bytes: 1e9 },
      signal: abort.signal,
    } as object);
    abort.abort(new Refusal('operation_over', 'The job was stopped.'));
    await expect(stage).rejects.toThrow('The job was stopped.');
    expect(await readdir(staging.directory)).toEqual(['p.parquet']);
  });
});
