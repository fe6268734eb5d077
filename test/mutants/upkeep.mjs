// Faults of what operators ask for: orphans and state files to forget.
export const upkeepMutants = [
  {
    name: 'a state directory that changes while it is listed is believed at the first look',
    breaks: 'what cannot be told deletes nothing',
    file: 'upkeep/state_files.cc',
    from: 'if (TimeOf(before.st_mtim) != TimeOf(after.st_mtim)) continue;',
    to: '',
  },
  {
    name: 'an empty file is taken for none that was a state file',
    breaks: 'what cannot be told deletes nothing',
    file: 'upkeep/state_files.cc',
    from: 'if (bytes.empty()) return MayBe("the file is empty", path);',
    to: '',
  },
  {
    name: 'an orphan that has changed since it was found is deleted',
    breaks: 'what cannot be told deletes nothing',
    file: 'upkeep/orphans.cc',
    from: 'if (!IsStill(file, st))',
    to: 'if (false && !IsStill(file, st))',
  },
  {
    name: 'a state file is forgotten whose writer may be alive',
    breaks: 'who is alive has three answers',
    file: 'upkeep/forget.cc',
    from: 'return alive.answer == Answer::kNo ? Status::Ok() : alive.why;',
    to: 'return alive.answer != Answer::kYes ? Status::Ok() : alive.why;',
  },
];
