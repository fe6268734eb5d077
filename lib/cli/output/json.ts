// The one writer of JSON: what the library says of state files. Names are UTF-8; of one that is not, `...Base64` has the
// bytes. What would act on a terminal is escaped, so that a document can be looked at.
import { ACTING } from '../../base/names.js';

const isLossy = (text: unknown): boolean => typeof text === 'string' && text.includes('\uFFFD');

/** The names of an object that are not UTF-8: `sourceBytes`, which JSON does not show, as `sourceBase64`. */
function withBytes(object: object): object {
  const bytesOf = (name: string): unknown => (object as Record<string, unknown>)[`${name}Bytes`];
  const lossy = Object.entries(object).flatMap(([name, text]) => {
    const bytes = isLossy(text) ? bytesOf(name) : undefined;
    return Buffer.isBuffer(bytes) ? [[`${name}Base64`, bytes.toString('base64')]] : [];
  });
  return { ...object, ...Object.fromEntries(lossy) };
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Nanoseconds come as text: they are beyond what JSON's readers take for a number. */
export function toJson(value: object): string {
  const text = JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'bigint') return `${inner}`;
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.values(inner).some(isLossy) && !Array.isArray(inner) ? withBytes(inner) : inner;
  });
  return text.replace(ACTING, escaped); // which stand in strings alone
}
