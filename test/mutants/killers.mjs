// The test that notices each mutant first: it is run alone, and only if it passes the whole suite is.
const PUBLISH_POWER = 'APowerCutBeforeAnyCallOfATransferLeavesItWholeOrNotAtAll';
const FINALIZE_POWER = 'APowerCutBeforeAnyCallOfFinalizeIsMadeGoodByTheNext';
const UNCOMMITTED_POWER = 'APowerCutBeforeAnyCallOfFinalizeOfAnUncommittedTransferIsMadeGood';
const KILLED_POWER = 'APowerCutWhileFinalizeFollowsAKilledTransferLeavesItWholeOrNotAtAll';
const FREE_POWER = 'APowerCutBeforeAnyCallOfAFreeLeavesNothingHalf';
const FAILED_FSYNC = 'AFailedFsyncIsNeverReportedAsSuccessHoweverOftenItIsTried';
const ORDER = 'XattrsComeFirstThenOwnerThenModeThenTimes';
const NOT_OURS = 'AStateFileThatIsNotOursToWriteIsRefused';
const NOT_ALONE = 'ATemporaryFileThatIsNotOursAloneIsCopiedAnew';
const NOT_COPIED = 'ATemporaryFileThatIsNotWhatWasCopiedStopsEverything';
const CHANGES = 'ASourceThatChangesWhileItIsCopiedFailsItsFile';

export const killers = {
  'the fsync of a temporary file is skipped': 'Invariant3DoneComesAfterTheFsyncOfTheFileAndNothingChangesItAfterwards',
  'a failed fsync of a temporary file is asked again and believed': FAILED_FSYNC,
  'a failed close is ignored': 'ACloseThatFailsFailsItsFile',
  'chunks of a file whose fsync failed are kept by a resume': 'ChunksOfAFileWhoseFsyncFailedAreVoid',
  'DONE is written before the fsync': 'Invariant3DoneComesAfterTheFsyncOfTheFileAndNothingChangesItAfterwards',
  'the journal is not fsynced before the first temporary file':
    'Invariant2NothingIsMadeBeforeTheJournalThatNamesItIsDurable',
  'the journal is not fsynced at SETTLED': UNCOMMITTED_POWER,
  'SETTLED without the fsync of the directories of the copies': PUBLISH_POWER,
  'SETTLED although the fsync of a directory of the copies failed': 'ATransferIsNotCommittedWhileTheNamesOfItsCopies',
  'wait() ignores a failed fsync of a directory of renames': 'RenamesThatAreNotDurableAreNotPublishedForAnybody',
  'SETTLED without the parents of directories that were made': PUBLISH_POWER,
  'directories are never fsynced': PUBLISH_POWER,
  'wait() does not fsync the directories of the renames': 'RenamesThatAreNotDurableAreNotPublishedForAnybody',
  'finalize ignores a failed fsync of a directory of renames': 'RenamesThatAreNotDurableAreNotPublishedForAnybody',
  'the state directory is not fsynced at create': 'Invariant2AStateFileIsWholeAndDurableBeforeItHasItsName',
  'a new state file has its name before its bytes are durable':
    'Invariant2AStateFileIsWholeAndDurableBeforeItHasItsName',
  'the state directory is not fsynced after free()': FREE_POWER,
  'the state directory is not fsynced after finalize has removed state files': FINALIZE_POWER,
  'the fsync of mended metadata is skipped': 'Invariant4MendedMetadata',
  'the fsync of the metadata of a directory is skipped': PUBLISH_POWER,
  'a SETTLED that may be in the page cache only is believed': KILLED_POWER,
  'FINAL is not fsynced': 'AFailedFsyncOfFinalIsNoSuccessTheSecondTimeEither',
  'a FINAL given up that may be in the page cache only is believed': KILLED_POWER,
  'the directories of a roll back are not fsynced': FREE_POWER,
  'kept chunks are summed in the cache and not on the disk': FAILED_FSYNC,
  'kept chunks are summed although their fsync failed': FAILED_FSYNC,
  'a journal whose fsync failed takes more records': 'AFailedFsyncCutsBackToWhatIsDurableAndIsFinal',
  'a journal whose fsync failed is not cut back': 'AFailedFsyncCutsBackToWhatIsDurableAndIsFinal',
  'the mode is given before the owner': ORDER,
  'the extended attributes come after the mode': ORDER,
  'times are given in seconds': 'ModeAndTimesAreGivenToTheNanosecond',
  'setuid stays although the owner was refused': 'SetuidIsMaskedWithoutTheOwner',
  'a failed write is ignored': 'ACallOfATransferThatFailsIsReportedOrDoesNotMatter',
  'a short write counts as a whole one': 'WriteAllAndReadFullGoOnAfterShortCalls',
  'a source that becomes shorter is copied as far as it goes':
    'ASourceThatEndsEarlyHasChangedAndATemporaryIsNotVerified',
  'a small source that changed while it was copied is published': CHANGES,
  'a large source that changed while it was copied is published': CHANGES,
  'a later error of a file replaces the first': 'TheFirstErrorOfAFileIsKept',
  'kept chunks are not summed at a resume': 'AKeptChunkThatDoesNotSumUpIsCopiedAgain',
  'a resume does not look whether DONE files are there': 'ADoneFileThatIsLostIsCopiedAgain',
  'bytes of a killed run show through a hole of the source': 'HolesStayHolesAndStaleBytesDoNotShowThrough',
  'holes of a small file become zeros on the disk': 'HolesAre',
  'holes of a large file become zeros on the disk': 'HolesStayHolesAndStaleBytesDoNotShowThrough',
  'files are renamed before SETTLED': UNCOMMITTED_POWER,
  'the state file is removed before the renames': 'KilledBeforeAnyCallFinalizeIsFinishedByTheNext',
  'a transfer that was SETTLED is rolled back without given up': 'KilledBeforeAnyCallOfAFreeNothingIsPublished',
  'a transfer of which a file is published is rolled back': 'OnceAFileIsPublishedOnlyPublishingGoesOn',
  'a directory that somebody else made is not renounced': 'ADirectoryThatSomebodyElseMadeFirst',
  'metadata of directories is given parents first': 'ATransferArrivesWholeWithItsMetadata',
  'a failed append leaves a part of its records': 'AnAppendOnAFullDiskLeavesNothingOfItself',
  'a torn tail stays behind the next record': 'ATornTailIsCutOffBeforeTheNextRecord',
  'a torn tail counts as whole': 'EveryPrefixIsGoodOrTornAndNeverCorrupt',
  'a bad record before good ones counts as a torn tail': 'ABadRecordBeforeAGoodOneIsCorrupt',
  'the CRC of a record is not checked': 'NoFlippedBitIsBelieved',
  'the CRC of a record says nothing of its state file': 'ARecordOfAnotherStateFileIsNotBelieved',
  'the sequence of records is not checked': 'ARecordOutOfSequenceIsCorrupt',
  'SETTLED is read before every file is DONE': 'SettledNeedsEveryFileDone',
  'a temporary name that is taken is written into': 'ATemporaryNameThatIsTakenFailsItsFile',
  'a link at a temporary name is followed by a resume': NOT_ALONE,
  'a temporary file with a second name is written into by a resume': NOT_ALONE,
  'a temporary file of another user is written into by a resume': NOT_ALONE,
  'links anywhere in a path are followed': 'OpenNoLinksRefusesALinkAnywhere',
  'publishing opens directories through links': 'ALinkThatCameIntoThePathIsNotFollowed',
  'descriptors are inherited, and the lock with them': 'OpenIsCloseOnExec',
  'flock is not taken': 'LockIsHeldByOneDescriptorAtATime',
  'a state file is acted on although another holds its lock': 'AStateFileIsLockedUntilItsWriterLetsGo',
  'a state file that was removed while we waited for its lock is acted on':
    'AStateFileThatWentWhileWeWaitedForItsLockIsGone',
  'a state file of another user is acted on': 'AStateFileOfAnotherUserIsRefused',
  'a state file with a second name is acted on': NOT_OURS,
  'a state file that is a link is acted on': NOT_OURS,
  'a state file that is a FIFO stops everything': NOT_OURS,
  'a state file can be read by everybody': 'ANewStateFileIsPrivateAndHoldsItsTransfer',
  'a draft that is being written is removed': 'ADraftThatIsBeingWrittenIsNotRemoved',
  'a stranger with the name of the state file is removed': 'RemoveLeavesAStrangerOfThatNameAlone',
  'create replaces a state file that came meanwhile': 'RenameNewNeverReplaces',
  'a temporary file that is another is published': NOT_COPIED,
  'a temporary file with a second name is published': NOT_COPIED,
  'a destination that became a directory is found out after the first rename':
    'AFinalNameThatBecameADirectoryStopsEverythingUntilItIsGone',
  'a directory that cannot be written is found out after the first rename':
    'ADirectoryThatCannotBeWrittenStopsEverything',
  '--verify checksum compares nothing': NOT_COPIED,
  'after an incomplete scan transfers are rolled back': 'AfterAnIncompleteScanNothingIsDeleted',
  'after an incomplete scan state files are removed': 'AfterAnIncompleteScanNothingIsDeleted',
  'a path of a state file may have ".." in it': 'APathIsAbsoluteAndCanonical',
  'a final path may occur twice': 'AFinalPathOccursOnce',
  'a state file sets any extended attribute': 'TheFieldsOfAFileAreBounded',
  'a length is believed beyond the end of the file': 'ATailOfAnyBytesIsTornIfNothingValidFollows',
  'a pid that is used again counts as the writer': 'WithoutLocks',
};
