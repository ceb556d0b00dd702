import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenEnvironment } from '../../contract/environment.ts';
import { developmentTokens, type Tokens } from '../../local/identity/development-tokens.ts';
import { startIdentity } from '../../local/identity/start-identity.ts';
import { listenOnLoopback } from '../../local/loopback.ts';
import { LOCAL } from '../../local/settings.ts';
import { type MiniStack, startMiniStack } from '../fixtures/ministack.ts';
import { startFront } from './front.ts';
import { InstanceTasks } from './instance-tasks.ts';
import { signedFor } from './signed-for.ts';
import { WorkflowAliases } from './workflow-aliases.ts';

/** An account of AWS on this machine, empty, with what stands beside one: who issues tokens, and what runs tasks. */
export type Emulation = {
  readonly miniStack: MiniStack;
  readonly aliases: WorkflowAliases;
  /** Where the API answers once it is deployed. */
  readonly url: string;
  readonly tokens: Tokens;
  /** Whose tokens the API is to take. */
  readonly tokenEnvironment: TokenEnvironment;
  /** What the billing provider signs with. */
  readonly webhookSecret: string;
  /** With the issuer's key in `identity`, and the instances' work and logs in `instances`. */
  readonly directory: string;
  stop(): Promise<void>;
};

export type EmulationOptions = {
  /** The port of the emulator on 127.0.0.1, the next ones are the API's and the issuer's; 0 takes free ones. @default 0 */
  readonly port?: number;
};

/**
 * Starts it. Whatever it started is stopped again when something does not start.
 * @throws {Error} something else listens on one of the ports, which would be taken for the emulator
 */
export const startEmulation = async ({ port = 0 }: EmulationOptions = {}): Promise<Emulation> => {
  const at = (offset: number) => (port === 0 ? 0 : port + offset);
  if (port !== 0) for (const offset of [0, 1, 2]) await mustBeFree(at(offset));
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-emulation-'));
  const stops: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true, maxRetries: 3 })];
  const stop = async () => {
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) await next();
  };
  try {
    const miniStack = await startMiniStack({ port });
    stops.push(() => miniStack.stop());
    const identity = await startIdentity({
      port: at(2),
      directory: join(directory, 'identity'),
      audience: LOCAL.audience,
    });
    stops.push(() => identity.close());
    const front = await startFront(miniStack.endpoint, () => apiId(miniStack.endpoint), at(1));
    stops.push(() => front.close());
    const instances = join(directory, 'instances');
    await mkdir(instances);
    const { endpoint, region } = miniStack;
    const environment = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
    const tasks = await InstanceTasks.start({ endpoint, environment, directory: instances });
    stops.push(() => tasks.close());
    return {
      miniStack,
      aliases: new WorkflowAliases(miniStack),
      url: front.url,
      tokens: await developmentTokens(identity),
      tokenEnvironment: {
        TOKEN_ISSUER: identity.issuer,
        TOKEN_AUDIENCE: LOCAL.audience,
        TOKEN_JWKS_URL: identity.jwksUrl,
      },
      webhookSecret: `whsec_${randomBytes(24).toString('base64')}`,
      directory,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const mustBeFree = async (port: number): Promise<void> => {
  try {
    const { close } = await listenOnLoopback(createServer(), port);
    await close();
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    const taken = `Port ${port} is taken: stop what listens there, or name another, with two that follow it free: --port 5566.`;
    throw new Error(code === 'EADDRINUSE' ? taken : message, { cause });
  }
};

/** Of the dev stage's API. */
const apiId = async (endpoint: string): Promise<string> => {
  const response = await fetch(`${endpoint}/restapis`, { headers: { authorization: signedFor('apigateway') } });
  const { item = [] } = (await response.json()) as { item?: { id: string; name: string }[] };
  const api = item.find(({ name }) => name === 'graphfleet-dev');
  if (api === undefined) throw new Error('No API is deployed.');
  return api.id;
};
