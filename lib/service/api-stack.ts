import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Api } from './api.ts';
import { API_FUNCTIONS } from './api-functions.ts';
import { makeFunctions } from './function-table.ts';
import { functionVariables, namePrefixOf, type ServiceParts } from './function-variables.ts';

/** The HTTP API with its functions. It keeps nothing, so it can be made anew at any time. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, { configuration, stores, fleet, ...props }: StackProps & ServiceParts) {
    super(scope, id, props);
    const { throttling, logRetention } = configuration;
    const namePrefix = namePrefixOf(configuration);
    const settings = { namePrefix, logRetention, network: fleet.network };
    const variables = functionVariables(this, { configuration, stores, fleet });

    const functions = makeFunctions<'api'>(this, API_FUNCTIONS, { stores, fleet }, variables, settings);
    const api = new Api(this, 'Api', { name: namePrefix, functions, throttling, logRetention });
    const address = `https://${api.rest.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, 'ApiUrl', { value: address, description: 'The API; every path begins with /v1' });
  }
}
