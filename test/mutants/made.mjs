// Faults of phases, and of what a transfer makes without a source.
const OTHERS = 'return IsMadeLast(other) || IsDone(other);';

export const madeMutants = [
  {
    name: 'a commit file is data',
    breaks: 'phases',
    file: 'plan/plan.cc',
    from: 'file.phase = commit_files_.PhaseOf(file.dest, source.as);',
    to: '',
  },
  {
    name: 'the drafts of a tree are copied',
    breaks: 'phases',
    file: 'plan/own.cc',
    from: 'commit_files_.IsDraft(source.path);',
    to: 'false;',
  },
  {
    name: 'a rank behind the first has a pointer',
    breaks: 'phases',
    file: 'transfer_plan.cc',
    from: 'if (journal_->state().info.rank != 0)',
    to: 'if (path.empty())',
  },
  {
    name: 'the manifest of a dispatch that came to nothing stays in the plan',
    breaks: 'a failed dispatch leaves the plan as it was',
    file: 'transfer_plan.cc',
    from: 'if (!s.ok()) plan_.DropManifest();',
    to: '',
  },
  {
    name: 'the manifest is made though a file is not DONE',
    breaks: 'docs/reference/manifest.md',
    file: 'copy/generated.cc',
    from: OTHERS,
    to: 'return IsMadeLast(other) || other < state_.files.size();',
  },
  {
    name: 'text pointers are in the manifest',
    breaks: 'docs/reference/manifest.md',
    file: 'copy/generated.cc',
    from: 'if (file.kind == FileKind::kSymlink || file.kind == FileKind::kGenerated) continue;',
    to: 'if (file.kind == FileKind::kSymlink || other == id) continue;',
  },
  {
    name: 'CONTENT is written before what stands before it is on the disk',
    breaks: 'what is durable when: all but the manifest copied',
    file: 'copy/generated.cc',
    from: 'Status s = journal_.Sync();\n    if (s.ok()) s = journal_.Append',
    to: 'Status s = journal_.Append',
  },
  {
    name: 'CONTENT that a killed run has begun is written from the start',
    breaks: 'rules of order: CONTENT records follow one another',
    file: 'copy/generated.cc',
    from: 'if (begun != state_.contents.end()) at = begun->second.size();',
    to: '',
  },
  {
    name: 'CONTENT that a killed run has begun is gone on with, whatever it says',
    breaks: 'rules of order: CONTENT records follow one another',
    file: 'copy/generated.cc',
    from: 'if (at > 0 && !text.starts_with(begun->second))',
    to: 'if (at > text.size())',
  },
];
