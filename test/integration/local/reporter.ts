import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** What the instance of the fixtures tells of itself. */
export type Report = {
  pid: number;
  directory: string;
  environment: Record<string, string>;
  metadata: Record<string, unknown>;
  /** Resolves when the process is gone, whatever ended it. */
  gone: Promise<unknown>;
};

/** Takes the reports of the instances, in the order that they come. */
export const startReporter = async () => {
  const reports: Report[] = [];
  const waiting: ((report: Report) => void)[] = [];
  const take = async (socket: Socket) => {
    socket.on('error', () => {});
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const [line] = (await once(createInterface(socket), 'line')) as [string];
    const report = { ...(JSON.parse(line) as Omit<Report, 'gone'>), gone };
    const next = waiting.shift();
    if (next === undefined) reports.push(report);
    else next(report);
  };
  const server = createServer((socket) => void take(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    next: (): Promise<Report> => {
      const report = reports.shift();
      return report === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(report);
    },
  };
};
