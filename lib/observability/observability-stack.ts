import { ArnFormat, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Configuration, namePrefixOf } from '../configuration-schema.ts';
import type { ControlTable } from '../data/control-table.ts';
import { addAlarms, fleetAlarms, operationAlarms, serviceAlarms } from './alarms.ts';
import { ServiceDashboard } from './dashboard.ts';
import { ServiceMetrics } from './service-metrics.ts';

export type ObservabilityStackProps = StackProps & {
  readonly configuration: Configuration;
  readonly controlTable: ControlTable;
};

/**
 * What watches. It comes before what it watches, which it knows by name: alarms decide whether a deploy of functions and
 * workflows stays.
 */
export class ObservabilityStack extends Stack {
  /** Names of those that take a deploy back: references would tie the stacks together, so that none could be left out again. */
  readonly rollbackAlarms: readonly string[];

  constructor(scope: Construct, id: string, { configuration, controlTable, ...props }: ObservabilityStackProps) {
    super(scope, id, props);
    const namePrefix = namePrefixOf(configuration);
    const metrics = new ServiceMetrics(namePrefix);
    const { tableName } = controlTable.table;
    const alarms = addAlarms(
      this,
      {
        ...operationAlarms(metrics),
        ...fleetAlarms(metrics),
        ...serviceAlarms(metrics, { table: tableName }),
      },
      { namePrefix, topicArn: configuration.alarmTopicArn, runbooks: configuration.runbooks },
    );
    this.rollbackAlarms = alarms.flatMap(({ alarmName, rollsBack }) => (rollsBack ? [alarmName] : []));
    const machines = { service: 'states', resource: 'stateMachine', arnFormat: ArnFormat.COLON_RESOURCE_NAME };
    const machineArnPrefix = this.formatArn({ ...machines, resourceName: '' });
    new ServiceDashboard(this, 'Dashboard', { namePrefix, metrics, tableName, machineArnPrefix });
  }
}
