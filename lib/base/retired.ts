// What a transfer retires, for its report and for inspect.
import { toFailure } from './errors.js';
import { toText } from './names.js';
import type { NativeRetired } from './native-report.js';
import type { RetiredPath } from './reported.js';

export function toRetired({ path, size, deleted, failure }: NativeRetired): RetiredPath {
  const state = deleted ? 'deleted' : failure ? 'kept' : 'due';
  const retired = { path: toText(path), size, state, ...(failure && { error: toFailure(failure) }) };
  return Object.defineProperty(retired as RetiredPath, 'pathBytes', { value: path });
}
