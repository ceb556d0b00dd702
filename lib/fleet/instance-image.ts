import { type IRepository, Repository } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import { WrongSettings } from '../wrong-settings.ts';

/** Stands for an image in a synthesis that is not deployed: no account has this number. */
export const PLACEHOLDER_IMAGE = `000000000000.dkr.ecr.us-east-1.amazonaws.com/graphfleet-instance@sha256:${'0'.repeat(64)}`;

const REFERENCE =
  /^(?<account>\d{12})\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com\/(?<name>[^@:]+)@(?<digest>sha256:[0-9a-f]{64})$/;

/** An image in ECR, named by its digest: a tag can be moved, and then tasks of one tier would differ. */
export type InstanceImage = { readonly repository: IRepository; readonly digest: string };

export const instanceImageFrom = (scope: Construct, reference: string): InstanceImage => {
  const { account, region, name, digest } = REFERENCE.exec(reference)?.groups ?? {};
  if (account === undefined || region === undefined || name === undefined || digest === undefined) {
    throw new WrongSettings(
      `"${reference}" does not name an image: write <account>.dkr.ecr.<region>.amazonaws.com/<name>@sha256:<digest>.`,
    );
  }
  const repositoryArn = `arn:aws:ecr:${region}:${account}:repository/${name}`;
  const repository = Repository.fromRepositoryAttributes(scope, 'Image', { repositoryArn, repositoryName: name });
  return { repository, digest };
};
