import { copyFile, open, readdir, readlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ReadOnlyDatabase } from '../../../instance/database/read-only-database.ts';
import { SnapshotCache } from '../../../instance/snapshot-cache.ts';
import { measureFile } from '../../../instance/workspace.ts';
import { type GraphFile, openWorkplace, spoil, type Workplace } from './workplace.ts';

/** The name of the graph that a database really has. */
const nameIn = async (database: ReadOnlyDatabase): Promise<unknown> => {
  const answer = await database.query({ cypher: 'MATCH (e:Entity) RETURN e.identifier', limit: 1, timeoutMs: 20_000 });
  const [row] = await Array.fromAsync(answer.rows());
  return row?.[0];
};

const read = ({ cache }: Workplace, { graphId, snapshot }: GraphFile): Promise<unknown> =>
  cache.use(graphId, snapshot, nameIn);

const adopt = ({ cache }: Workplace, { graphId, snapshot, file }: GraphFile): Promise<void> =>
  cache.adopt(graphId, snapshot, file);

/** The graphs that are on the instance's disk. */
const held = async (workplace: Workplace): Promise<string[]> =>
  (await workplace.cachedFiles()).map((name) => name.split('.')[0] ?? '').sort();

/** The cache that the next process has on the same directory. */
const reopened = async ({ workspace, objects, cache }: Workplace, bytes = 2 ** 30): Promise<SnapshotCache> => {
  await cache.close();
  const next = await SnapshotCache.open(workspace, objects, { bytes, openDatabases: 8 });
  onTestFinished(() => next.close());
  return next;
};

/** Changes one byte in the middle, which the engine might not see. */
const damage = async (path: string): Promise<void> => {
  const file = await open(path, 'r+');
  const middle = Math.floor((await file.stat()).size / 2);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, middle);
  await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, middle);
  await file.close();
};

describe('a snapshot', () => {
  test('that was adopted is read without a download', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.newGraph('kg1');
    await adopt(workplace, graph);
    expect(await read(workplace, graph)).toBe('kg1');
    expect(workplace.objects.downloads).toEqual([]);
  });

  test('that was dropped is fetched again by whoever wants it', async () => {
    const workplace = await openWorkplace();
    const [graph, other] = [await workplace.uploadedGraph('kg1'), await workplace.uploadedGraph('kg10')];
    await read(workplace, graph);
    await read(workplace, other);
    await workplace.cache.drop('kg1');
    expect(await held(workplace)).toEqual(['kg10']);
    expect(await read(workplace, graph)).toBe('kg1');
    expect(workplace.objects.downloads).toEqual([graph.snapshot.key, other.snapshot.key, graph.snapshot.key]);
  });

  test('that is read stays when its graph is dropped, and goes with its last reader', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    await workplace.cache.use(graph.graphId, graph.snapshot, async (database) => {
      await workplace.cache.drop('kg1');
      expect(await nameIn(database)).toBe('kg1');
      expect(await read(workplace, graph)).toBe('kg1');
      expect(await held(workplace)).toEqual(['kg1']);
    });
    expect(await held(workplace)).toEqual([]);
  });

  test('that is being fetched when its graph is dropped goes with whoever wanted it', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    let dropped: Promise<void> | undefined;
    workplace.objects.beforeDownload = async () => {
      await Promise.resolve();
      dropped = workplace.cache.drop('kg1');
    };
    expect(await read(workplace, graph)).toBe('kg1');
    await dropped;
    expect(await held(workplace)).toEqual([]);
  });

  test('that is dropped at the moment that somebody begins to read it is read, now and later', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    await read(workplace, graph);
    const reading = read(workplace, graph);
    await workplace.cache.drop('kg1');
    expect(await reading).toBe('kg1');
    // So many others that its database is closed and must be opened again.
    for (let other = 0; other < 17; other += 1) await read(workplace, await workplace.uploadedGraph(`kgother${other}`));
    expect(await read(workplace, graph)).toBe('kg1');
  });

  test('that many want at once is fetched once', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    const names = await Promise.all(Array.from({ length: 20 }, () => read(workplace, graph)));
    expect(new Set(names)).toEqual(new Set(['kg1']));
    expect(workplace.objects.downloads).toEqual([graph.snapshot.key]);
  });

  test('that is not the file which was published is refused, leaves no file, and is asked for again', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.newGraph('kg1');
    const other = await workplace.newGraph('kg2');
    await workplace.objects.upload(graph.snapshot.key, other.file);
    const both = await Promise.allSettled([read(workplace, graph), read(workplace, graph)]);
    const refused = { status: 'rejected', reason: { name: 'Terminal', code: 'internal' } };
    expect(both).toMatchObject([refused, refused]);
    expect(await workplace.scratchFiles()).toEqual([]);
    expect(await held(workplace)).toEqual([]);
    await workplace.objects.upload(graph.snapshot.key, graph.file);
    expect(await read(workplace, graph)).toBe('kg1');
  });

  test('that an earlier process fetched is read without a download', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    await read(workplace, graph);
    expect(await read({ ...workplace, cache: await reopened(workplace) }, graph)).toBe('kg1');
    expect(workplace.objects.downloads).toHaveLength(1);
  });

  test.each([
    ['as long as it was', async (file: string) => damage(file)],
    ['shorter', async (file: string) => truncate(file, 1_000)],
  ])('that was damaged since an earlier process fetched it, and is %s, is fetched anew, once', async (_, harm) => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    await read(workplace, graph);
    const [name = ''] = await workplace.cachedFiles();
    const cached = join(workplace.workspace.cacheDirectory, name);
    const next = { ...workplace, cache: await reopened(workplace) };
    await harm(cached);
    const names = await Promise.all(Array.from({ length: 5 }, () => read(next, graph)));
    expect(new Set(names)).toEqual(new Set(['kg1']));
    expect(workplace.objects.downloads).toHaveLength(2);
    expect(await measureFile(cached)).toMatchObject({ checksum: graph.snapshot.checksum });
  });
});

describe('when the disk is full', () => {
  test('there is room for a snapshot before it comes', async () => {
    const { workplace, graphs } = await roomForTwo(['kg1', 'kg2', 'kg3']);
    const [first, second, third] = graphs as [GraphFile, GraphFile, GraphFile];
    await adopt(workplace, first);
    await adopt(workplace, second);
    const heldMeanwhile: string[][] = [];
    workplace.objects.beforeDownload = async () => void heldMeanwhile.push(await held(workplace));
    await read(workplace, third);
    expect(heldMeanwhile).toEqual([['kg2']]);
  });

  test('what an earlier process left keeps to the room that there is now', async () => {
    const { workplace, graphs } = await roomForTwo(['kg1', 'kg2']);
    for (const graph of graphs) await adopt(workplace, graph);
    await reopened(workplace, graphs[0]?.snapshot.bytes);
    expect(await held(workplace)).toHaveLength(1);
  });

  /** A cache with room for two graphs, and graphs that are all of one size. */
  const roomForTwo = async (names: string[]) => {
    const measured = await (await openWorkplace()).newGraph('kg0');
    const workplace = await openWorkplace({ cacheBytes: 2 * measured.snapshot.bytes });
    const graphs = await Promise.all(names.map((name) => workplace.uploadedGraph(name)));
    expect(new Set(graphs.map(({ snapshot }) => snapshot.bytes))).toEqual(new Set([measured.snapshot.bytes]));
    return { workplace, graphs };
  };

  test('what was used longest ago goes first', async () => {
    const { workplace, graphs } = await roomForTwo(['kg1', 'kg2', 'kg3']);
    const [first, second, third] = graphs as [GraphFile, GraphFile, GraphFile];
    await adopt(workplace, first);
    await adopt(workplace, second);
    await read(workplace, first);
    await adopt(workplace, third);
    expect(await held(workplace)).toEqual(['kg1', 'kg3']);
    expect(await read(workplace, second)).toBe('kg2');
    expect(await held(workplace)).toEqual(['kg2', 'kg3']);
    expect(workplace.objects.downloads).toEqual([second.snapshot.key]);
  });

  test('what is being read stays, however much comes', async () => {
    const { workplace, graphs } = await roomForTwo(['kg1', 'kg2', 'kg3', 'kg4']);
    const [first, ...others] = graphs as [GraphFile, ...GraphFile[]];
    await workplace.cache.use(first.graphId, first.snapshot, async (database) => {
      for (const other of others) await read(workplace, other);
      expect(await held(workplace)).toEqual(['kg1', 'kg4']);
      expect(await nameIn(database)).toBe('kg1');
    });
    await read(workplace, first);
    expect(workplace.objects.downloads.filter((key) => key === first.snapshot.key)).toHaveLength(1);
  });

  test('more may be read at once than there is room for, and goes when it has been read', async () => {
    const { workplace, graphs } = await roomForTwo(['kg1', 'kg2', 'kg3', 'kg4']);
    const wanted = Array.from({ length: 5 }, () => graphs).flat();
    expect(await Promise.all(wanted.map((graph) => read(workplace, graph)))).toEqual(
      wanted.map(({ graphId }) => graphId),
    );
    expect((await held(workplace)).length).toBeLessThanOrEqual(2);
  });
});

describe('when the memory is full', () => {
  /** How many databases the process has open on the files of a cache. */
  const openDatabases = async ({ workspace }: Workplace): Promise<number> => {
    const files = (await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''));
    const open = (await Promise.all(files)).filter((file) => file.startsWith(workspace.cacheDirectory));
    return new Set(open).size;
  };
  const openWith = async (databases: number) => {
    const workplace = await openWorkplace({ openDatabases: databases });
    const graphs = await Promise.all(['kg1', 'kg2', 'kg3', 'kg4'].map((name) => workplace.newGraph(name)));
    for (const graph of graphs) await adopt(workplace, graph);
    return { workplace, graphs };
  };

  test('the databases that were used longest ago are closed, and are there for the next', async () => {
    const { workplace, graphs } = await openWith(2);
    for (const graph of [...graphs, ...graphs]) {
      expect(await read(workplace, graph)).toBe(graph.graphId);
      expect(await openDatabases(workplace)).toBeLessThanOrEqual(2);
    }
    expect(await openDatabases(workplace)).toBe(2);
    expect(workplace.objects.downloads).toEqual([]);
  });

  test('one that is opened takes the place of one that nobody uses', async () => {
    const { workplace, graphs } = await openWith(2);
    const [first, second, third] = graphs as [GraphFile, GraphFile, GraphFile];
    await workplace.cache.use(first.graphId, first.snapshot, async (database) => {
      await read(workplace, second);
      await workplace.cache.use(third.graphId, third.snapshot, async () => {
        expect(await openDatabases(workplace)).toBe(2);
      });
      expect(await nameIn(database)).toBe('kg1');
    });
  });
});

describe('many readers', () => {
  test('of more graphs than there is room for all read what they want, however often it is evicted', async () => {
    const workplace = await openWorkplace({ cacheBytes: 0 });
    const names = ['kg1', 'kg2', 'kg3', 'kg4', 'kg5', 'kg6'];
    const graphs = await Promise.all(names.map((name) => workplace.uploadedGraph(name)));
    const readInTurn = async (first: number): Promise<void> => {
      for (let turn = 0; turn < 30; turn += 1) {
        const graph = graphs[(first * 7 + turn * (1 + (first % 3))) % graphs.length] as GraphFile;
        expect(await read(workplace, graph)).toBe(graph.graphId);
      }
    };
    await Promise.all(Array.from({ length: 24 }, (_, first) => readInTurn(first)));
    expect(await held(workplace)).toEqual([]);
  });
});

describe('a database that can not be opened', () => {
  test('fails its users, and is fetched again after a drop', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.newGraph('kg1');
    const file = `${graph.file}-spoilt`;
    await spoil(file);
    const snapshot = { ...graph.snapshot, ...(await measureFile(file)) };
    await workplace.objects.upload(snapshot.key, file);
    const both = await Promise.allSettled([1, 2].map(() => read(workplace, { ...graph, snapshot })));
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await workplace.cache.drop('kg1');
    expect(await held(workplace)).toEqual([]);
    await workplace.objects.upload(snapshot.key, graph.file);
    expect(await read(workplace, graph)).toBe('kg1');
  });

  test('does not stop the cache from closing', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.newGraph('kg1');
    await spoil(graph.file);
    await adopt(workplace, graph);
    await expect(read(workplace, graph)).rejects.toThrow();
    await workplace.cache.close();
  });

  test('is opened for the next user once it can be', async () => {
    const workplace = await openWorkplace();
    const graph = await workplace.uploadedGraph('kg1');
    await adopt(workplace, graph);
    // Now the disk does not give the file back for a moment.
    const [name = ''] = await workplace.cachedFiles();
    const cached = join(workplace.workspace.cacheDirectory, name);
    const kept = `${graph.file}-kept`;
    await copyFile(cached, kept);
    await spoil(cached);
    await expect(read(workplace, graph)).rejects.toThrow();
    await copyFile(kept, cached);
    expect(await read(workplace, graph)).toBe('kg1');
  });
});
