import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ControlTable } from './control-table.ts';
import { DataKey } from './data-key.ts';
import { SnapshotBucket } from './snapshot-bucket.ts';
import { WebhookSecrets } from './webhook-secrets.ts';

/** What must survive every other stack. Nothing in it is ever replaced or removed by a deploy. */
export class DataStack extends Stack {
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  readonly webhookSecrets: WebhookSecrets;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const encryptionKey = new DataKey(this, 'Key');
    this.controlTable = new ControlTable(this, 'ControlTable', { encryptionKey });
    this.snapshots = new SnapshotBucket(this, 'Snapshots', { encryptionKey });
    this.webhookSecrets = new WebhookSecrets(this, 'WebhookSecrets', { encryptionKey });
  }
}
