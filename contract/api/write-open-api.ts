import { writeFile } from 'node:fs/promises';
import { OPEN_API_FILE, openApiText } from './open-api-file.ts';

await writeFile(OPEN_API_FILE, openApiText());
