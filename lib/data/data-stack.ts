import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Configuration } from '../configuration-schema.ts';
import { ControlTable } from './control-table.ts';
import { DataKey } from './data-key.ts';
import { ImageRepository } from './image-repository.ts';
import { SnapshotBucket } from './snapshot-bucket.ts';
import { WebhookSecrets } from './webhook-secrets.ts';

export type DataStackProps = StackProps & { readonly configuration: Configuration };

/** What must survive every other stack. No deploy replaces or removes any of it, but the one that made it, if it fails. */
export class DataStack extends Stack {
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  readonly webhookSecrets: WebhookSecrets;

  constructor(scope: Construct, id: string, { configuration, ...props }: DataStackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const encryptionKey = new DataKey(this, 'Key');
    this.controlTable = new ControlTable(this, 'ControlTable', { encryptionKey });
    this.snapshots = new SnapshotBucket(this, 'Snapshots', { encryptionKey });
    this.webhookSecrets = new WebhookSecrets(this, 'WebhookSecrets', { encryptionKey });
    const images = new ImageRepository(this, 'Images', `graphfleet-${configuration.stage}-instance`);

    new CfnOutput(this, 'ControlTableName', { value: this.controlTable.table.tableName });
    new CfnOutput(this, 'SnapshotBucketName', { value: this.snapshots.bucket.bucketName });
    new CfnOutput(this, 'WebhookSecretArn', {
      value: this.webhookSecrets.secret.secretArn,
      description: "Put the billing provider's own secrets into it",
    });
    new CfnOutput(this, 'ImageRepositoryUri', {
      value: images.repositoryUri,
      description: 'npm run push-image pushes the image of instances to it',
    });
  }
}
