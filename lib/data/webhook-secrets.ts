import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';

export type WebhookSecretsProps = {
  /** Encrypts the secret. */
  readonly encryptionKey: IKey;
};

/**
 * The secrets that the billing provider signs with, comma-separated; put the provider's own in after the first deploy. Until
 * then there is one that nobody knows, so nothing is taken.
 */
export class WebhookSecrets extends Construct {
  readonly secret: Secret;
  readonly #encryptionKey: IKey;

  constructor(scope: Construct, id: string, { encryptionKey }: WebhookSecretsProps) {
    super(scope, id);
    this.#encryptionKey = encryptionKey;
    this.secret = new Secret(this, 'Secret', {
      description: 'What webhooks of the billing provider are signed with: whsec_..., comma-separated',
      encryptionKey,
      // Letters and digits, a multiple of four: valid Base64, as the secrets of the standard are.
      generateSecretString: { passwordLength: 32, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    acknowledge(this.secret, {
      'AwsSolutions-SMG4':
        'The billing provider makes it, so nothing here can rotate it; functions read it anew every 5 minutes.',
    });
  }

  grantRead(role: Role): void {
    const viaService = `secretsmanager.${Stack.of(role).region}.amazonaws.com`;
    role.addToPolicy(
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [this.secret.secretArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [this.#encryptionKey.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': viaService } },
      }),
    );
  }
}
