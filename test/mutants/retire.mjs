// Faults in what is retired. See mutants.mjs.
export const retireMutants = [
  {
    name: 'a directory that is retired is deleted in its place',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: 'if (there.is_dir) return Delete(old, left);',
    to: 'if (there.is_dir) return RemoveTree(os_, dir_.fd(), name_, old.path, stop_);',
  },
  {
    name: 'what is retired is deleted before it is out of the way durably',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: 'if (Status s = Sync(); !s.ok()) return s;\n  Tree tree;',
    to: 'Tree tree;',
  },
  {
    name: 'what is retired is not compared again when it is out of the way',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: 'if (s.ok()) return RemoveTree(os_, dir_.fd(), aside_, aside_path_, stop_);\n  // Somebody',
    to: 'if (RemoveTree(os_, dir_.fd(), aside_, aside_path_, stop_).ok()) return Status::Ok();\n  // Somebody',
  },
  {
    name: 'what a killed run has put out of the way is left there',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: '*was = r == 0 && S_ISDIR',
    to: '*was = false && S_ISDIR',
  },
  {
    name: 'what a killed run has put out of the way is deleted before it is there durably',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: 'const Status s = Sync();\n  return s.ok() ? RemoveTree',
    to: 'const Status s;\n  return s.ok() ? RemoveTree',
  },
  {
    name: 'what has changed is deleted',
    breaks: 'retire',
    file: 'publish/retire.cc',
    from: '&& now.size == old.size && now.crc == old.crc) return Status::Ok();',
    to: ') return Status::Ok();',
  },
  {
    name: 'what is retired is deleted before the last names are durable',
    breaks: 'retire',
    file: 'publish/publisher.cc',
    from: 'if (Status s = Rename(until, clears); !s.ok()) return s;',
    to: 'if (Status s = Rename(until, clears); !s.ok()) return s;\n  std::vector<Left> early;\n  if (until == Until::kAll) (void)Retire(&early);',
  },
  {
    name: 'a state file is removed before what it retires is deleted',
    breaks: 'retire',
    file: 'finalizer.cc',
    from: ': c.publisher->Retire(&c.left);\n  if (!s.ok()) return c.Set(Action::kFailed, s);',
    to: ': Status::Ok();\n  if (!s.ok()) return c.Set(Action::kFailed, s);',
  },
];
