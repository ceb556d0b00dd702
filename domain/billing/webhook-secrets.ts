import { openSecret } from '../aws/secrets-manager.ts';

/** The secrets that webhooks are signed with: the one in use, and while it is changed the one before. */
export type WebhookSecrets = () => Promise<readonly string[]>;

/**
 * The secrets that a reference names: `arn:…` of a secret of AWS Secrets Manager, which may change at any time, or the
 * secrets themselves; comma-separated both.
 */
export const openWebhookSecrets = (reference: string): WebhookSecrets => {
  const read = openSecret(reference);
  return async () => (await read()).split(',').map((secret) => secret.trim());
};
