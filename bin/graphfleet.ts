import { App } from 'aws-cdk-lib';
import { addChecks, buildApplication } from '../lib/application.ts';
import { configurationOf } from '../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../lib/fleet/instance-image.ts';
import { WrongSettings } from '../lib/wrong-settings.ts';

const app = new App();
const context = (name: string, byDefault: string): string => String(app.node.tryGetContext(name) ?? byDefault);

const build = (): void => {
  const image = context('instanceImage', '');
  if (image === '') {
    // With any other image than theirs, tasks of instances that run could not be started again.
    throw new WrongSettings(
      'Name the image of instances: --context instanceImage=<what npm run push-image printed>; or `placeholder`, for what starts no instance.',
    );
  }
  const canary = context('canary', 'on');
  if (canary !== 'on' && canary !== 'off') throw new WrongSettings(`--context canary=${canary}: it is "on" or "off".`);
  const configuration = configurationOf(context('stage', 'dev'));

  buildApplication(
    app,
    // Off: this deploy moves everything at once, also while an alarm is on that would stop it.
    canary === 'off' ? { ...configuration, canary: null } : configuration,
    image === 'placeholder' ? PLACEHOLDER_IMAGE : image,
  );
  addChecks(app);
};

try {
  build();
} catch (error) {
  if (!(error instanceof WrongSettings)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1); // now: what there is of the app would be synthesized before the process ends by itself
}
