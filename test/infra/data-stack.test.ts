import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ofType, synthesizedTemplates } from './synthesis.ts';

const { data } = synthesizedTemplates();

describe('the control table', () => {
  test('can be restored to any second, can not be deleted and forgets what has expired', () => {
    data.template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  });

  test('is encrypted with a key of ours that is rotated', () => {
    const [[keyId, key] = []] = ofType(data.resources, 'AWS::KMS::Key');
    expect(key?.Properties).toMatchObject({ EnableKeyRotation: true });
    data.template.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: { 'Fn::GetAtt': [keyId, 'Arn'] } },
    });
  });

  test('has the keys and the indexes that its adapters use', () => {
    const index = (name: string, hash: string, range: string) => ({
      IndexName: name,
      KeySchema: [
        { AttributeName: hash, KeyType: 'HASH' },
        { AttributeName: range, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    });
    data.template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        index('by-tenant', 'tenantKey', 'createdKey'),
        index('by-state', 'stateKey', 'stateOrder'),
      ],
    });
  });
});

describe('the snapshot bucket', () => {
  test('keeps what is overwritten for 30 days and unfinished uploads for 7', () => {
    data.template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [
          Match.objectLike({
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
            NoncurrentVersionExpiration: { NoncurrentDays: 30 },
            Status: 'Enabled',
          }),
          // Uploads go by themselves, whoever has forgotten them.
          Match.objectLike({ Prefix: 'uploads/', ExpirationInDays: 7, Status: 'Enabled' }),
        ],
      },
      LoggingConfiguration: Match.anyValue(),
    });
  });

  test('like every bucket, is closed to the public, encrypted, and takes requests over TLS only', () => {
    const buckets = ofType(data.resources, 'AWS::S3::Bucket');
    const policies = ofType(data.resources, 'AWS::S3::BucketPolicy').map(([, policy]) => policy.Properties);
    expect(buckets).toHaveLength(2);
    for (const [id, { Properties }] of buckets) {
      expect(Properties).toMatchObject({
        BucketEncryption: expect.anything(),
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      });
      expect(policies.filter(({ Bucket }) => (Bucket as { Ref: string }).Ref === id)).toMatchObject([
        {
          PolicyDocument: {
            Statement: expect.arrayContaining([
              expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
            ]),
          },
        },
      ]);
    }
  });
});

test('images of instances are scanned, their tags can not be moved, and none that has one ever expires', () => {
  data.template.hasResourceProperties('AWS::ECR::Repository', {
    RepositoryName: 'graphfleet-dev-instance',
    ImageTagMutability: 'IMMUTABLE',
    ImageScanningConfiguration: { ScanOnPush: true },
  });
  const rules = ofType(data.resources, 'AWS::ECR::Repository').flatMap(([, { Properties }]) => {
    const { LifecyclePolicyText: text } = Properties['LifecyclePolicy'] as { LifecyclePolicyText: string };
    return (JSON.parse(text) as { rules: object[] }).rules;
  });
  expect(rules).toMatchObject([{ selection: { tagStatus: 'untagged' } }]);
});

test('what keeps data stays when its stack goes, with what protects it, but not what a deploy made that failed', () => {
  const kept = [
    'AWS::ECR::Repository',
    'AWS::S3::Bucket',
    'AWS::S3::BucketPolicy',
    'AWS::KMS::Key',
    'AWS::SecretsManager::Secret',
  ];
  for (const [id, resource] of kept.flatMap((type) => ofType(data.resources, type))) {
    expect(resource, id).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  }
});

test('the table stays in any case: a rollback could not delete it, and would end at it', () => {
  data.template.hasResource('AWS::DynamoDB::Table', {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: { DeletionProtectionEnabled: true },
  });
});

test('the key serves through DynamoDB and S3 only, and only this account', () => {
  const [[, key] = []] = ofType(data.resources, 'AWS::KMS::Key');
  const policy = key?.Properties['KeyPolicy'] as { Statement: { Principal: unknown; Condition?: unknown }[] };
  const forAnyone = policy.Statement.filter(({ Principal }) => JSON.stringify(Principal).includes('"*"'));
  expect(forAnyone).toHaveLength(1);
  expect(forAnyone[0]?.Condition).toMatchObject({
    StringEquals: { 'kms:CallerAccount': { Ref: 'AWS::AccountId' }, 'kms:ViaService': expect.any(Array) },
  });
});
