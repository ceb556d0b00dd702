import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { noteCallsOfThisProcess } from '../recording/caller.ts';
import { recordInvocation } from '../recording/invocations.ts';
import { unionOfEnvironments } from './function-environment.ts';
import { InvocationRefused } from './function-error.ts';
import { contextFor, type FunctionIdentity, withinTime } from './invocation.ts';
import { duringInvocation, newTrace } from './invoke-store.ts';
import type { Respond, ResponseStream } from './response-stream.ts';
import { streamInvocation } from './stream-invocation.ts';
import { isStreaming, setStreamingGlobal } from './streaming-global.ts';

/** What must be known of a function to run it; an entry of the contract's FUNCTIONS is one. */
export type LocalFunction = {
  readonly folder: string;
  readonly environment: z.ZodObject;
  readonly timeoutSeconds: number;
};

export type LambdaOptions = {
  readonly functions: Readonly<Record<string, LocalFunction>>;
  /** Each function's variables. */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What every function finds besides: region, credentials and endpoints for the AWS SDK. */
  readonly common: Readonly<Record<string, string>>;
  readonly region: string;
  readonly accountId: string;
  /** Loads a function's module. @default the import of functions/<folder>/<name>.ts */
  readonly load?: (folder: string, name: string) => Promise<object>;
};

/** Lambda, in this process. */
export type Lambda = {
  arnOf(name: string): string;
  /** Loads every function now, so that one that can not load is known at the start. */
  loadAll(): Promise<void>;
  /**
   * Runs a function, by its name or ARN. Event and answer are copied as JSON: nothing is shared with the caller.
   * @param trace the trace that it is a part of, as its header; undefined: it begins one
   * @throws {TimedOut} @throws {InvocationRefused} @throws whatever the handler throws
   */
  invoke(nameOrArn: string, event: unknown, trace?: string): Promise<unknown>;
  /**
   * Runs a streaming function. When the signal aborts, its response stream is destroyed, and its source with it.
   * @throws {TimedOut} @throws {InvocationRefused} @throws whatever the handler throws
   */
  invokeStreaming(
    nameOrArn: string,
    event: unknown,
    respond: Respond,
    signal: AbortSignal,
    trace?: string,
  ): Promise<void>;
};

type Handler = (event: unknown, context: Context) => unknown;

/**
 * Readies Lambda: the environment of all functions becomes this process's.
 * @throws {Error} two functions can not share this process's environment, or one's is not complete
 */
export const startLambda = (options: LambdaOptions): Lambda => {
  const { functions, environments, common, region, accountId, load = importFunction } = options;
  Object.assign(process.env, unionOfEnvironments(functions, environments, common));
  // So Lambda tells the libraries in a function that a process serves several invocations at once.
  process.env['AWS_LAMBDA_MAX_CONCURRENCY'] = '1000';
  setStreamingGlobal();
  noteCallsOfThisProcess();

  const arnOf = (name: string) => `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  const handlers = new Map<string, Promise<Handler>>();

  const find = async (nameOrArn: string): Promise<{ handler: Handler; identity: FunctionIdentity }> => {
    const name = nameOrArn.startsWith('arn:') ? (nameOrArn.split(':')[6] ?? '') : nameOrArn;
    const definition = functions[name];
    if (definition === undefined) throw new InvocationRefused(`There is no function "${nameOrArn}"`);
    const loading = handlers.get(name) ?? load(definition.folder, name).then((module) => handlerIn(module, name));
    handlers.set(name, loading);
    return { handler: await loading, identity: { name, arn: arnOf(name), timeoutSeconds: definition.timeoutSeconds } };
  };

  return {
    arnOf,
    async loadAll() {
      for (const name of Object.keys(functions)) await find(name);
    },
    async invoke(nameOrArn, event, trace = newTrace()) {
      const { handler, identity } = await find(nameOrArn);
      if (isStreaming(handler)) throw new InvocationRefused(`"${identity.name}" streams its answer`);
      const context = contextFor(identity);
      const run = () => duringInvocation(context.awsRequestId, trace, async () => handler(copy(event), context));
      return copy(await recordInvocation(identity.name, () => withinTime(identity, context, run)));
    },
    async invokeStreaming(nameOrArn, event, respond, signal, trace = newTrace()) {
      const { handler, identity } = await find(nameOrArn);
      if (!isStreaming(handler)) throw new InvocationRefused(`"${identity.name}" does not stream its answer`);
      const context = contextFor(identity);
      const run = (stream: ResponseStream) =>
        duringInvocation(context.awsRequestId, trace, async () => handler(copy(event), stream, context));
      await recordInvocation(identity.name, () => streamInvocation(identity, context, respond, signal, run));
    },
  };
};

const importFunction = (folder: string, name: string): Promise<object> =>
  import(new URL(`../../functions/${folder}/${name}.ts`, import.meta.url).href) as Promise<object>;

const handlerIn = (module: object, name: string): Handler => {
  if ('handler' in module && typeof module.handler === 'function') return module.handler as Handler;
  throw new InvocationRefused(`The module of "${name}" exports no handler`);
};

const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
