import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Configuration, namePrefixOf } from '../configuration-schema.ts';
import { Api } from './api.ts';
import { Firewall } from './firewall.ts';
import type { Functions } from './function-table.ts';

export type ApiStackProps = StackProps & {
  readonly configuration: Configuration;
  readonly functions: Functions<'api'>;
};

/** The HTTP API before its functions, and the firewall before it. It keeps nothing, so it can be made anew at any time. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, { configuration, functions, ...props }: ApiStackProps) {
    super(scope, id, props);
    const name = namePrefixOf(configuration);
    const { logRetention, firewall, domain } = configuration;
    const { rest } = new Api(this, 'Api', { name, functions, configuration });
    new Firewall(this, 'Firewall', { name, stage: rest.deploymentStage, limits: firewall, logRetention });

    const ownHost = `${rest.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    const address = `https://${domain?.name ?? ownHost}`;
    new CfnOutput(this, 'ApiUrl', { value: address, description: 'The API; every path begins with /v1' });
    if (rest.domainName !== undefined) {
      const { domainNameAliasDomainName } = rest.domainName;
      new CfnOutput(this, 'ApiDomainTarget', {
        value: domainNameAliasDomainName,
        description: `In DNS, make ${domain?.name} a CNAME of it`,
      });
    }
  }
}
