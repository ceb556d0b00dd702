import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const KNOWN_FOR_MS = 5 * 60_000;

/**
 * The secret that a reference names: `arn:…` of a secret of AWS Secrets Manager, which may change at any time, or the
 * secret itself.
 */
export const openSecret = (reference: string): (() => Promise<string>) =>
  reference.startsWith('arn:') ? secretValue(reference) : async () => reference;

/** Reads a secret as it is, or was within the last 5 minutes. */
const secretValue = (arn: string, client = new SecretsManagerClient({}), now = Date.now) => {
  let known: { value: string; until: number } | undefined;
  return async (): Promise<string> => {
    if (known !== undefined && now() < known.until) return known.value;
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    known = { value: SecretString, until: now() + KNOWN_FOR_MS };
    return known.value;
  };
};
