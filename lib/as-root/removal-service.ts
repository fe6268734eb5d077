// What lib/as-root/owner-process.ts does once it is the user whose temporary files are deleted. Nothing here runs as root.
import { failureOf } from '../base/errors.js';
import { answer, native } from '../base/native.js';
import { readAll } from './owner-service.js';
import { fromWire } from './removals.js';

export async function serve(): Promise<void> {
  const files = fromWire((await readAll()).toString());
  try {
    process.stdout.write(JSON.stringify(await answer(native().removeTemporaries(files))));
  } catch (error) {
    process.stdout.write(JSON.stringify(files.map(() => ({ open: false, failure: failureOf(error) }))));
  }
}
