import { partition } from '@aws-sdk/core/client';
import { loadConfig } from '@smithy/core/config';

/** Services that are called without their clients, by the names of their hosts, and what the SDK calls them. */
const SERVICES = { s3: 'S3', secretsmanager: 'SECRETS_MANAGER' } as const;

/**
 * Where a service is in a region, as the SDK's client looks for it.
 * @param endpoint of a server that is not AWS; without, what the SDK's own settings say
 */
export const addressOf = (
  service: keyof typeof SERVICES,
  endpoint: string | undefined,
): ((region: string) => Promise<URL>) => {
  const elsewhere =
    endpoint === undefined
      ? loadConfig<string | undefined>({
          environmentVariableSelector: (variables) =>
            variables[`AWS_ENDPOINT_URL_${SERVICES[service]}`] || variables['AWS_ENDPOINT_URL'],
          configFileSelector: (profile) => profile['endpoint_url'],
          default: undefined,
        })
      : async () => endpoint;
  return async (region) =>
    new URL((await elsewhere()) ?? `https://${service}.${region}.${partition(region).dnsSuffix}`);
};
