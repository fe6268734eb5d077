// What the library says of state files, as JSON. Names are UTF-8; of one that is not, `...Base64` has the bytes.

/** The names of an object that are not UTF-8: `sourceBytes`, which JSON does not show, as `sourceBase64`. */
function withBytes(object: object): object {
  const bytesOf = (name: string): unknown => (object as Record<string, unknown>)[`${name}Bytes`];
  const lossy = Object.entries(object).flatMap(([name, text]) => {
    const bytes = typeof text === 'string' && text.includes('\uFFFD') ? bytesOf(name) : undefined;
    return Buffer.isBuffer(bytes) ? [[`${name}Base64`, bytes.toString('base64')]] : [];
  });
  return lossy.length === 0 ? object : { ...object, ...Object.fromEntries(lossy) };
}

/** Nanoseconds come as text: they are beyond what JSON's readers take for a number. */
export function toJson(value: object): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'bigint') return `${inner}`;
    return typeof inner === 'object' && inner !== null ? withBytes(inner) : inner;
  });
}
