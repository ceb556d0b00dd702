import { parseArgs } from 'node:util';
import { instanceImages, publishInstanceImage } from './instance-image.ts';
import { settingsFrom } from './settings.ts';

/** `npm run --silent image -- [--label <text>]`: publishes the instance as the working tree has it, and prints the digest. */
const { values } = parseArgs({ options: { label: { type: 'string' } } });
const { dataDirectory } = settingsFrom(process.env);
console.log(await publishInstanceImage(instanceImages(dataDirectory), values.label));
