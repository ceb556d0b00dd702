import { RemovalPolicy } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';

/**
 * The images of instances. It is with the data because it comes before the fleet, whose templates name an image of it, and
 * because instances that run are started again from theirs. No image with a tag ever expires: ECR does not know which of them
 * a tier wants, a task may be started again from, or a refresh goes back to.
 */
export class ImageRepository extends Repository {
  constructor(scope: Construct, id: string, repositoryName: string) {
    super(scope, id, {
      repositoryName,
      imageTagMutability: TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      lifecycleRules: [{ description: 'Left over from pushes', tagStatus: TagStatus.UNTAGGED, maxImageCount: 1 }],
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
  }
}
