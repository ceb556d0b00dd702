import { RemovalPolicy } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';

/** More images than a fleet ever runs at once, with those to go back to. */
const IMAGES_KEPT = 50;

/**
 * The images of instances. It is with the data because it comes before the fleet, whose templates name an image of it, and
 * because instances that run are started again from theirs.
 */
export class ImageRepository extends Repository {
  constructor(scope: Construct, id: string, repositoryName: string) {
    super(scope, id, {
      repositoryName,
      imageTagMutability: TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      lifecycleRules: [
        { description: 'Left over from pushes', tagStatus: TagStatus.UNTAGGED, maxImageCount: 1 },
        { description: 'The newest', tagStatus: TagStatus.ANY, maxImageCount: IMAGES_KEPT },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
