import { App } from 'aws-cdk-lib';
import { addChecks, buildApplication } from '../lib/application.ts';
import { configurationOf } from '../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../lib/fleet/instance-image.ts';

const app = new App();
const context = (name: string, byDefault: string): string => String(app.node.tryGetContext(name) ?? byDefault);
buildApplication(app, configurationOf(context('stage', 'dev')), context('instanceImage', PLACEHOLDER_IMAGE));
addChecks(app);
