// Which versions of Node this package works with, as package.json's engines say; and Node's own modules, loaded when they are
// needed. Imports nothing, so that the start of axl-finalize can ask before it loads anything.

/** Undefined, or what is wrong with this Node and what to do. */
export function nodeTooOld(version: string = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 9) || (major === 20 && minor >= 17);
  return fits ? undefined : `Node ${version} is too old: use Node 20.17 or later of 20, or 22.9 or later`;
}

type Builtins = {
  'node:os': typeof import('node:os');
  'node:module': typeof import('node:module');
  'node:crypto': typeof import('node:crypto');
};

/** Undefined where Node is too old to have such a call. */
export function builtin<K extends keyof Builtins>(name: K): Builtins[K] | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  return getBuiltinModule?.(name) as Builtins[K] | undefined;
}
