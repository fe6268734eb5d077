// Faults in the order of phases. See mutants.mjs.
export const phasesMutants = [
  {
    name: 'commit files are renamed with the data',
    breaks: 'phases',
    file: 'publish/publisher.cc',
    from: 'if (state_.files[id].phase != phase || disk_[id].published',
    to: 'if (disk_[id].published',
  },
  {
    name: 'an old commit file stays while data are replaced',
    breaks: 'phases',
    file: 'publish/phases.cc',
    from: 'Status s = clear ? Clear() : Status::Ok();',
    to: 'Status s;',
  },
  {
    name: 'commit files are renamed before the names of the data are durable',
    breaks: 'phases',
    file: 'publish/phases.cc',
    from: 'if (Status s = MakeDurableBefore(phase); !s.ok()) return s;',
    to: '',
  },
  {
    name: 'data are replaced before the removal of an old commit file is durable',
    breaks: 'phases',
    file: 'publish/phases.cc',
    from: 'if (!journal_.durable()) return Status::Ok();\n  barrier.Run();',
    to: 'return Status::Ok();',
  },
  {
    name: 'an old commit file is deleted before the journal says that nothing is rolled back',
    breaks: 'phases',
    file: 'publish/phases.cc',
    from: 'if (state_.direction == Direction::kNone)',
    to: 'if (false)',
  },
  {
    name: 'what has lost its old commit file is rolled back',
    breaks: 'phases',
    file: 'publish/roll_back.cc',
    from: 'if (state_.direction == Direction::kForward || state_.phases > 0)',
    to: 'if (false)',
  },
  {
    name: 'PHASE is written before the renames are durable',
    breaks: 'phases',
    file: 'finalizer.cc',
    from: 'if (!c.journal->durable()) return Published(c);',
    to: 'if (policy_.until != Until::kAll || !c.journal->durable()) return Published(c);',
  },
  {
    name: 'one rank of a dataset in phases is published by itself',
    breaks: 'phases',
    file: 'transfer.cc',
    from: 'if (together && state.phases < static_cast<uint8_t>(Until::kPointer))',
    to: 'if (false)',
  },
];
