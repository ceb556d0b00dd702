import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { FILE_KEPT_DAYS, UPLOADS_PREFIX } from '../../domain/table/uploads.ts';
import { acknowledge, exportedName } from '../acknowledge.ts';

export type SnapshotBucketProps = {
  /** Encrypts the snapshots. */
  readonly encryptionKey: IKey;
};

/** What may be done with the snapshots. Getting needs listing too: without it, S3 answers 403 for what is not there. */
export const BUCKET_PERMISSIONS = {
  readsSnapshots: { of: 'graphs', onObjects: ['s3:GetObject'], onBucket: ['s3:ListBucket'] },
  writesSnapshots: { of: 'graphs', onObjects: ['s3:PutObject'], onBucket: [] },
  listsSnapshots: { of: 'graphs', onObjects: [], onBucket: ['s3:ListBucket'] },
  removesSnapshots: { of: 'graphs', onObjects: ['s3:DeleteObject'], onBucket: [] },
  writesUploads: { of: 'uploads', onObjects: ['s3:PutObject'], onBucket: [] },
  readsUploads: { of: 'uploads', onObjects: ['s3:GetObject'], onBucket: ['s3:ListBucket'] },
  removesUploads: { of: 'uploads', onObjects: ['s3:DeleteObject'], onBucket: [] },
  readsBackups: { of: 'backups', onObjects: ['s3:GetObject'], onBucket: ['s3:ListBucket'] },
  writesBackups: { of: 'backups', onObjects: ['s3:PutObject'], onBucket: [] },
  removesBackups: { of: 'backups', onObjects: ['s3:DeleteObject'], onBucket: [] },
} as const satisfies Record<
  string,
  { of: 'graphs' | 'uploads' | 'backups'; onObjects: readonly string[]; onBucket: readonly string[] }
>;

export type BucketPermission = keyof typeof BUCKET_PERMISSIONS;

/** The truth of every graph: its snapshots. What is overwritten or removed by mistake can be had back for 30 days. */
export class SnapshotBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { encryptionKey }: SnapshotBucketProps) {
    super(scope, id);
    const closed = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    };
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...closed,
      // S3 delivers access logs to a bucket with its own keys only.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
    });

    this.bucket = new Bucket(this, 'Bucket', {
      ...closed,
      encryption: BucketEncryption.KMS,
      encryptionKey,
      bucketKeyEnabled: true,
      versioned: true,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: Duration.days(30) },
        // What tables are staged from is not where rows are kept; nor is what comes after its graph has gone.
        { prefix: UPLOADS_PREFIX, expiration: Duration.days(FILE_KEPT_DAYS) },
      ],
      serverAccessLogsBucket: accessLogs as IBucket, // they differ under exactOptionalPropertyTypes only
    });
    // A bucket that stays when its stack goes is to refuse then, too, what does not come over TLS.
    for (const { policy } of [accessLogs, this.bucket])
      policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  }

  /** The name of the bucket as functions and instances find it in their environment. */
  get url(): string {
    return `s3://${this.bucket.bucketName}`;
  }

  /** Allows just the actions that a permission names, on snapshots, uploads or backups of graphs. */
  grant(role: Role, permission: BucketPermission): void {
    const { of, onObjects, onBucket } = BUCKET_PERMISSIONS[permission];
    if (onBucket.length > 0) {
      role.addToPolicy(new PolicyStatement({ actions: [...onBucket], resources: [this.bucket.bucketArn] }));
    }
    if (onObjects.length > 0) {
      const resources = [this.bucket.arnForObjects(`${of}/*`)];
      role.addToPolicy(new PolicyStatement({ actions: [...onObjects], resources }));
      acknowledge(role, {
        [`AwsSolutions-IAM5[Resource::${exportedName(this.bucket, this.bucket.bucketArn)}/${of}/*]`]:
          'Snapshots, uploads or backups of any graph: the request or the job says of which.',
      });
    }
  }
}
