import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Folder, type Functions, type FunctionTable, makeFunctions } from './function-table.ts';
import { functionSettings, functionVariables, type ServiceParts } from './function-variables.ts';
import type { GraphfleetFunction } from './graphfleet-function.ts';

export type FunctionsStackProps<F extends Folder> = StackProps &
  ServiceParts & {
    readonly folder: F;
    readonly table: FunctionTable<F>;
  };

/** The functions of a folder, called by what is deployed after them. They keep nothing. */
export class FunctionsStack<F extends Folder> extends Stack {
  readonly functions: Functions<F>;

  constructor(scope: Construct, id: string, props: FunctionsStackProps<F>) {
    const { configuration, stores, fleet, rollbackAlarms, folder, table, ...stackProps } = props;
    super(scope, id, stackProps);
    const variables = functionVariables(this, { configuration, stores, fleet });
    const settings = functionSettings(this, folder, { configuration, fleet, rollbackAlarms });
    this.functions = makeFunctions<F>(this, table, { stores, fleet }, variables, settings);
    // All of them, in use or not: what no longer calls one is deployed before the function goes, in the next deploy.
    for (const { live } of Object.values<GraphfleetFunction>(this.functions)) this.exportValue(live.functionArn);
  }
}
