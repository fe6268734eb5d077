// Programs of others that are on the PATH, by their absolute paths. Starts none.
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Looks into the absolute directories of the PATH whose programs env(1) can start. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  const dirs = path.split(':').filter((dir) => isAbsolute(dir) && !dir.includes('='));
  return dirs.map((dir) => join(dir, name)).find(isProgram);
}
