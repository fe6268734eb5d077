// Faults of what files and directories get of the metadata of their sources.
export const metadataMutants = [
  {
    name: 'who is of a named group gains by being of the new one',
    breaks: 'nobody may do with a file what he may not do with its source',
    file: 'os/acl.cc',
    from: 'Set(&out, kGroupObj, both & AllOf(acl, {kGroup}));',
    to: 'Set(&out, kGroupObj, both);',
  },
  {
    name: 'what a directory is refused is found out after the renames',
    breaks: 'a transfer is published whole or not at all',
    file: 'publish/barrier.cc',
    from: 'if (Status s = made.Rehearse(); !s.ok()) return s;',
    to: '',
  },
  {
    name: 'what a finalizer asks for is tried after the renames',
    breaks: 'a transfer is published whole or not at all',
    file: 'publish/publisher.cc',
    from: 'if (Status s = made().Rehearse(); !s.ok()) return s;',
    to: '',
  },
  {
    name: 'a directory is open to others while its metadata are tried',
    breaks: 'nobody may do with a file what he may not do with its source',
    file: 'publish/made.cc',
    from: 'if (IsClosed(st)) Close(&meta);',
    to: '(void)Close;',
  },
  {
    name: 'a read-only file is left writable when it has its xattrs',
    breaks: 'the promise: the right metadata',
    file: 'os/metadata.cc',
    from: 'const int restored = os_.Chmod(fd_, mode);',
    to: 'const int restored = 0;',
  },
];
