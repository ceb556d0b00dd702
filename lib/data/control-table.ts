import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { CONTROL_TABLE } from '../../domain/control-table.ts';
import { TABLE_PERMISSIONS, type TablePermission } from './table-permissions.ts';

export type ControlTableProps = {
  /** Encrypts the table. */
  readonly encryptionKey: IKey;
};

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** The one table of the control plane: it can be restored to any second of the last 35 days and not be deleted. */
export class ControlTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { encryptionKey }: ControlTableProps) {
    super(scope, id);
    const { partitionKey, sortKey, timeToLiveAttribute, indexes } = CONTROL_TABLE;
    this.table = new Table(this, 'Table', {
      partitionKey: text(partitionKey),
      sortKey: text(sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey,
      deletionProtection: true,
      timeToLiveAttribute,
      // Also when the deploy fails that makes it: a rollback could not delete it, as it is protected.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const index of Object.values(indexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
        projectionType: ProjectionType.ALL,
      });
    }
  }

  /** Allows just the actions that a permission names, on just the kind of item that it is for. */
  grant(role: Role, permission: TablePermission): void {
    const { actions, items, index } = TABLE_PERMISSIONS[permission];
    role.addToPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [index === null ? this.table.tableArn : `${this.table.tableArn}/index/${index}`],
        conditions: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [items] },
          // All of no values are like anything: what names no key is not for any kind of item.
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      }),
    );
  }
}
