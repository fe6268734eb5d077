// The test that notices each mutant first: it is run alone, and only if it passes the whole suite is.
const PUBLISH_POWER = 'APowerCutBeforeAnyCallOfATransferLeavesItWholeOrNotAtAll';
const UNCOMMITTED_POWER = 'APowerCutBeforeAnyCallOfFinalizeOfAnUncommittedTransferIsMadeGood';
const SETTLED_AGAIN = 'WhatOnlyTheCacheMayKnowToBeSettledIsWrittenAgainBeforeTheFirstRename';
const FREE_POWER = 'APowerCutBeforeAnyCallOfAFreeLeavesNothingHalf';
const FAILED_FSYNC = 'AFailedFsyncIsNeverReportedAsSuccessHoweverOftenItIsTried';
const ORDER = 'XattrsComeFirstThenOwnerThenModeThenTimes';
const NOT_OURS = 'AStateFileThatIsNotOursToWriteIsRefused';
const NOT_ALONE = 'ATemporaryFileThatIsNotOursAloneIsCopiedAnew';
const NOT_COPIED = 'ATemporaryFileThatIsNotWhatWasCopiedStopsEverything';
const REFUSED = 'ARenameThatWillBeRefusedStopsEverythingBeforeTheFirst';
const NOT_THERE = 'WhatIsNotThereBelowAnotherDirectoryIsNeitherLostNorRolledBack';
const HEADER = 'WhereInodeNumbersMeanNothingAStateFileIsKnownByItsHeader';
const CHANGES = 'ASourceThatChangesWhileItIsCopiedFailsItsFile';

const PHASES = 'APowerCutBeforeAnyCallLeavesNoCommitFileWithoutItsData';
const ALONE_IN_PHASES = 'OneTransferAloneKeepsThePhasesThroughAPowerCut';
const KILLED_IN_PHASES = 'KilledBeforeAnyCallAReaderWhoSeesACommitFileHasAllDataOfAllRanks';
const CLEARED = 'OnceAnOldCommitFileIsDeletedNothingIsRolledBack';

export const killers = {
  'commit files are renamed with the data': KILLED_IN_PHASES,
  'an old commit file stays while data are replaced': KILLED_IN_PHASES,
  'commit files are renamed before the names of the data are durable': ALONE_IN_PHASES,
  'data are replaced before the removal of an old commit file is durable': ALONE_IN_PHASES,
  'an old commit file is deleted before the journal says that nothing is rolled back': CLEARED,
  'what has lost its old commit file is rolled back': CLEARED,
  'PHASE is written before the renames are durable': PHASES,
  'a directory that is retired is deleted in its place': KILLED_IN_PHASES,
  'what is retired is deleted before it is out of the way durably': PHASES,
  'what is retired is not compared again when it is out of the way': 'WhatIsWrittenIntoWhatIsRetiredIsNeverDeleted',
  'what a killed run has put out of the way is left there': KILLED_IN_PHASES,
  'what a killed run has put out of the way is deleted before it is there durably':
    'WhatAKilledRunHasPutAsideIsDurablyThereBeforeTheNextDeletesAnyOfIt',
  'what has changed is deleted': 'WhatIsWrittenIntoWhatIsRetiredIsNeverDeleted',
  'what is retired is deleted before the last names are durable':
    'APowerCutBeforeAnyCallOfATransferWithAManifestAndPointersLeavesItWholeOrNotAtAll',
  'a state file is removed before what it retires is deleted': KILLED_IN_PHASES,
  'DIRECTION is taken for the word that an old commit file is deleted': KILLED_IN_PHASES,
  'what a killed run has deleted is not made durable by the next':
    'AnOldCommitFileThatAKilledRunHasDeletedIsDurablyGoneBeforeDataAreReplaced',
  'a commit file that an older transfer puts there is no old one':
    'AnOldFileIsOneThatStoodThereOrThatAnOlderTransferPutsThere',
  'one rank of a dataset in phases is published by itself': 'ARankOfADatasetInPhasesIsNotPublishedByItself',
  'a commit file is data': 'FilesOfAPlanHaveThePhaseOfTheirFinalNameAndTreesNoDrafts',
  'the drafts of a tree are copied': 'FilesOfAPlanHaveThePhaseOfTheirFinalNameAndTreesNoDrafts',
  'a rank behind the first has a pointer': 'OnlyTheFirstRankHasAPointer',
  'the manifest of a dispatch that came to nothing stays in the plan':
    'AManifestIsOfWhatIsDispatchedAndNotOfADispatchThatCameToNothing',
  'the manifest is made though a file is not DONE': 'AManifestIsMadeOnlyOnceEveryFileIsDone',
  'text pointers are in the manifest': 'AManifestIsMadeOnlyOnceEveryFileIsDone',
  'CONTENT is written before what stands before it is on the disk':
    'TheManifestIsJournalledWhenAllOthersAreDoneAndTheJournalIsOnTheDisk',
  'CONTENT that a killed run has begun is written from the start':
    'AManifestOfSeveralRecordsIsGoneOnWithWhereAKilledRunStopped',
  'CONTENT that a killed run has begun is gone on with, whatever it says':
    'WhatAKilledRunHasSaidInAManifestIsNeverContradicted',
  'another name of a file of which one name is published stops the rest':
    'OnceANameOfAFileIsFinalWhatOtherNamesItGetsStopsNobody',
  'a file that is half renamed and has a third name is refused':
    'AFileThatIsHalfRenamedIsPublishedWhateverOtherNamesItHas',
  'what stands at a name is a change since our rename over another name of it':
    'AnOwnRenameOverOneNameIsNoChangeOfTheFileThatItsOtherNamesHad',
  'what has another ctime is replaced although nothing of ours has touched it':
    'AnotherCtimeAloneIsAChangeWhileNoNameOfTheFileIsReplaced',
  'what was written to another name of a replaced file is replaced, too':
    'WhatSomebodyElseHasWrittenMeanwhileIsNotReplacedAlthoughItHasTheInode',
  'a hard link that is lost is made of a source that has changed':
    'ALostNameWhoseSourceIsAnotherFileByNowFailsAsItsCopyWould',
  'a mover gets a temporary name that is one file with a DONE one':
    'AMoverThatGoesOnInWhatIsThereNeverWritesIntoWhatIsDone',
  'a hard link that is lost becomes a copy': 'OfAFileOfFourNamesOnlyThoseThatAreLostAreMadeAnew',
  'links of a failed adoption stop the next one': 'LinksThatAFailedAdoptionHasMadeDoNotStopTheNextOne',
  'metadata of a link that the file system rounds are not told': 'WhatALinkHasGotWhenItIsMendedIsReadBack',
  'a file with hard links is published although it has another name': 'AnotherNameOfAFileWithHardLinksStopsEverything',
  'a capability is given before the owner': 'AListComesAfterTheOwnerAndBeforeTheModeAndACapabilityAfterBoth',
  'the list that a directory gave a new file stays': 'AListThatADirectoryGaveIsGoneBeforeTheModeOpensIt',
  'the mask of a list that was refused becomes the mode of the group':
    'AListThatIsRefusedIsAnErrorOrLeavesAModeThatGrantsNoMore',
  'who is of a named group gains by being of the new one': 'NobodyGainsByACopyWhoseListOrGroupIsLost',
  'what a directory is refused is found out after the renames':
    'WhatADirectoryIsRefusedStopsATransferBeforeTheFirstRename',
  'what a finalizer asks for is tried after the renames':
    'WhatAFinalizerAsksForAndADirectoryIsRefusedStopsItBeforeTheFirstRename',
  'a directory is open to others while its metadata are tried': 'UntilTheFirstRenameADirectoryIsOursAndClosed',
  'a read-only file is left writable when it has its xattrs':
    'WhileAReadOnlyFileGetsItsXattrsNobodyLosesAndAfterwardsItsModeIsTheOneThatItHad',
  "another group gets the mode of the source's": 'WhereTheGroupIsRefusedGroupAndOthersHaveWhatBothHad',
  'a file that its owner may have changed gets its privileges back':
    'AFileThatSomebodyElseMayHaveChangedGetsNoPrivileges',
  'what a file system rounds is not told': 'WhatAFileSystemRoundsOrIgnoresIsReadBackAndTold',
  'the fsync of a temporary file is skipped': 'Invariant3DoneComesAfterTheFsyncOfTheFileAndNothingChangesItAfterwards',
  'a failed fsync of a temporary file is asked again and believed': FAILED_FSYNC,
  'the syncfs of a batch is skipped': 'OneSyncfsStandsForTheFsyncsOfABatch',
  'a failed syncfs is asked again and believed': 'AFailedSyncfsFailsEveryFileOfItsBatchForGoodAndIsNotAskedAgain',
  'the descriptor for the syncfs of a batch is opened after its files were written':
    'WritesThatAreLostAtAnyCallOfABatchAreToldAlthoughSomebodyElseWasToldFirst',
  'two batches have one descriptor for their syncfs': 'WritesThatAreLostWhileTwoBatchesAreInFlightAreToldToBoth',
  'a syncfs stands for files of another file system': 'AFileOnAnotherFileSystemThanItsBatchHasItsOwnFsync',
  'syncfs is believed where there is no journal':
    'OnlyAFileSystemWithAJournalAndAKernelThatTellsOfItMayBeAskedForAllAtOnce',
  'syncfs is believed where a device of its own has a cache':
    'OnlyAFileSystemWithAJournalAndAKernelThatTellsOfItMayBeAskedForAllAtOnce',
  'a failed close is ignored': 'ACloseThatFailsFailsItsFile',
  'chunks of a file whose fsync failed are kept by the next process': 'ChunksOfAFileWhoseFsyncFailedAreVoid',
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
  'the state directory is not fsynced after free()': 'AStateFileThatWasRemovedIsGoneDurably',
  'the state directory is not fsynced after finalize has removed state files': 'AStateFileThatWasRemovedIsGoneDurably',
  'the fsync of mended metadata is skipped': 'Invariant4MetadataThatIsMendedIsDurableBeforeTheRename',
  'the fsync of the metadata of a directory is skipped': PUBLISH_POWER,
  'a SETTLED that may be in the page cache only is believed': SETTLED_AGAIN,
  'what a killed process wrote into the state file is fsynced, but not written again': SETTLED_AGAIN,
  'FINAL is not fsynced': 'AFailedFsyncOfFinalIsNoSuccessTheSecondTimeEither',
  'a FINAL given up that may be in the page cache only is believed': 'WhatItsOwnerGaveUpGoesOnlyOnceThatIsDurable',
  'the directories of a roll back are not fsynced': FREE_POWER,
  'kept chunks are summed in the cache and not on the disk': 'AResumeKeepsNothingThatOnlyTheCacheHas',
  'kept chunks are summed although their fsync failed': 'KeptChunksWhoseFsyncFailsAreCopiedAnew',
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
  'FAILED of a file is written twice': 'TheFirstErrorOfAFileIsKept',
  'kept chunks are not summed at a resume': 'AKeptChunkThatDoesNotSumUpIsCopiedAgain',
  'a resume does not look whether DONE files are there': 'ADoneFileThatIsLostIsCopiedAgain',
  'bytes of a killed run show through a hole of the source': 'HolesStayHolesAndStaleBytesDoNotShowThrough',
  'holes of a small file become zeros on the disk': 'HolesStayHolesWhateverTheSizeOfTheFile',
  'holes of a large file become zeros on the disk': 'HolesStayHolesAndStaleBytesDoNotShowThrough',
  'files are renamed before SETTLED': UNCOMMITTED_POWER,
  'the state file is removed before the renames': 'KilledBeforeAnyCallFinalizeIsFinishedByTheNext',
  'a transfer that was SETTLED is rolled back without given up': 'KilledBeforeAnyCallOfAFreeNothingIsPublished',
  'a transfer of which a file is published is rolled back': 'ALivePublishThatFailedGoesOnAndCannotBeFreed',
  'a directory that somebody else made is not renounced': 'ADirectoryThatSomebodyElseMadeFirst',
  'metadata of directories is given parents first': 'ADirectoryGetsItsMetadataAfterThoseInIt',
  'a failed append leaves a part of its records': 'AnAppendOnAFullDiskLeavesNothingOfItself',
  'a torn tail stays behind the next record': 'ATornTailIsCutOffBeforeTheNextRecord',
  'a torn tail counts as whole': 'ATailOfAnyBytesIsTornIfNothingValidFollows',
  'a bad record before good ones counts as a torn tail': 'ABadRecordBeforeAGoodOneIsCorrupt',
  'SETTLED behind a bad record is lost with it': 'ABadRecordBeforeAGoodOneIsCorrupt',
  'RESUMED behind a bad record is lost with it': 'ABadRecordBeforeAGoodOneIsCorrupt',
  'progress behind a bad record is lost with it after SETTLED, too': 'ABadRecordBeforeAGoodOneIsCorrupt',
  'progress behind a lost page makes a state file corrupt': 'ProgressBehindALostPageIsLostWithIt',
  'what a resume says of lost files is not durable when their new temporary files are made':
    'AFileThatIsNotDoneAnyMoreHasNoNewTemporaryFileBeforeThatIsDurable',
  'a dataset is published for a transfer of which only the cache may know that it is complete':
    'ATransferThatOthersArePublishedForIsDurablyComplete',
  'RENOUNCED is not fsynced': 'APowerCutDoesNotForgetWhoseADirectoryIs',
  'the CRC of a record is not checked': 'NoFlippedBitIsBelieved',
  'the CRC of a record says nothing of its state file': 'ARecordOfAnotherStateFileIsNotBelieved',
  'the sequence of records is not checked': 'ARecordOutOfSequenceIsCorrupt',
  'SETTLED is read before every file is DONE': 'SettledNeedsEveryFileDone',
  'a temporary name that is taken is written into': 'ATemporaryNameThatIsTakenFailsItsFile',
  'a link at a temporary name is followed by a resume': NOT_ALONE,
  'a temporary file with a second name is written into by a resume': NOT_ALONE,
  'a temporary file of another user is written into by a resume': NOT_ALONE,
  'links anywhere in a path are followed': 'OpenNoLinksRefusesALinkAnywhere',
  'directories of temporary and final names are opened through links': 'ALinkThatCameIntoThePathIsNotFollowed',
  'root gives away what somebody else put in the place of a temporary file': 'RootPublishesNoFileThatSomebodyElseMade',
  'descriptors are inherited, and the lock with them': 'OpenIsCloseOnExec',
  'flock is not taken': 'LockIsHeldByOneDescriptorAtATime',
  'a state file is acted on although another holds its lock': 'AStateFileIsLockedUntilItsWriterLetsGo',
  'a lock that is granted is believed wherever its file is':
    'ALockThatIsGrantedTellsOfAnotherHostOnlyWhereLocksReachIt',
  'a lock that is held outweighs no word of the caller': 'ALockThatADeadHostLeftBehindIsOverruledByTheCallersWord',
  'a rename that cannot tell of what came meanwhile replaces it':
    'TheOneFileOfATransferReplacesNothingThatCameMeanwhile',
  'a process of another pid namespace counts as gone': 'OfAWriterOfAnotherBootOrPidNamespaceNothingCanBeTold',
  'a state file that was removed while we waited for its lock is acted on':
    'AStateFileThatWentWhileWeWaitedForItsLockIsGone',
  'what was decided of a transfer is done to another that has its state file':
    'WhatWasDecidedOfATransferIsNotDoneToAnotherThatHasItsStateFile',
  'what a writer said while its state file was read, before it ended, is not known':
    'WhatAWriterSaysWhileItsStateFileIsReadAndEndsIsReadToo',
  'a state file of another user is acted on': 'AStateFileOfAnotherUserIsRefused',
  'a state file with a second name is acted on': NOT_OURS,
  'a state file that is a link is acted on': NOT_OURS,
  'a state file that is a FIFO stops everything': 'AFifoInThePlaceOfAStateFileHoldsNobodyUp',
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
  '--verify checksum compares nothing': 'VerifyChecksumFindsAChangedByteAndSizeDoesNot',
  'KEPT is not durable before the temporary file goes': 'ATemporaryFileThatIsNotPublishedGoesOnlyOnceTheJournalSaysSo',
  'a temporary file can be read by others before it is published': 'WhatIsBeingCopiedNobodyElseMayRead',
  'mending changes a file that came meanwhile': 'MendingTouchesNoFileThatCameMeanwhile',
  'a destination that came meanwhile is replaced under --overwrite fail': 'ADestinationThatComesMeanwhileIsNotReplaced',
  'roots are not checked': 'ATransferWithADestinationOutsideOfEveryRootIsNotTouched',
  'a state file without SEALED is removed although its temporary files exist': 'AStateFileThatLostItsSealedIsKept',
  'an uncommitted transfer counts as published if the final name has the inode':
    'WhatWasNeverCommittedIsNotPublishedBecauseSomebodyRenamedAFileOfIt',
  'temporary names do not carry the id of their transfer': 'TemporaryName',
  'after an incomplete scan transfers are rolled back': 'AfterAnIncompleteScanNothingIsDeleted',
  'after an incomplete scan state files are removed': 'AfterAnIncompleteScanNothingIsDeleted',
  'a path of a state file may have ".." in it': 'APathIsAbsoluteAndCanonical',
  'a final path may occur twice': 'AFinalPathOccursOnce',
  'a state file sets any extended attribute': 'TheFieldsOfAFileAreBounded',
  'a pid that is used again counts as the writer': 'AReusedProcessIdIsNotTheWriter',
  'bytes of a mover are not compared with the source': 'BytesOfAMoverThatAreNotThoseOfTheSourceAreRefused',
  'the size of what a mover has brought is not compared': 'ATemporaryFileOfAMoverThatHasAnotherSizeIsRefused',
  'what a mover has brought may have a second name': 'ATemporaryFileOfAMoverThatIsNotAFileOfItsOwnIsRefused',
  'what a mover has brought may be no regular file': 'InThePlaceOfAnEmptyFileOnlyAFileIsAdopted',
  'a link that a mover has left is followed': 'ATemporaryFileOfAMoverThatIsNotAFileOfItsOwnIsRefused',
  'what a mover has brought may belong to another user': 'ATemporaryFileOfAMoverThatIsNotAFileOfItsOwnIsRefused',
  'a source that is gone needs no sum of the mover': 'ASourceOutOfReachNeedsTheSumOfTheMover',
  'what no mover can tell is taken for ended': 'AMoverThatNobodySpeaksForKeepsTheTransferUntilItIsSettled',
  'a mover that says it runs is taken for ended': 'AMoverThatNobodySpeaksForKeepsTheTransferUntilItIsSettled',
  'what a mover says of one job counts for another': 'AMoverThatNobodySpeaksForKeepsTheTransferUntilItIsSettled',
  'what a job may still write is rolled back': 'WhatMayStillRunIsNeitherCopiedAgainNorRolledBack',
  'what a mover has brought whole is copied again': 'AFinalizerAsksTheMoverAndAdoptsWhatIsWholeOnceItHasEnded',
  'a mover begins before the state file names its job': 'TheStateFileNamesTheJobBeforeTheMoverBegins',
  'what a mover has brought is read back before it is on the disk':
    'WhatIsAdoptedIsDurableBeforeItIsReadBackAndAgainBeforeDone',
  'what a mover has brought has its metadata before its bytes are compared':
    'WhatIsAdoptedIsDurableBeforeItIsReadBackAndAgainBeforeDone',
  'RESUMED does not void what failed': 'AStateFileIsReadAsItWasWritten',
  'a file is DONE twice': 'AFileIsDoneOrFailedOnce',
  'an unknown record that is required is skipped': 'AnUnknownRecordThatIsRequiredIsOfALaterVersion',
  'the edition is not looked at': 'TheStateFilesOfTheFixturesAreReadAsTheyAre',
  'a transfer of another backend is acted upon': 'FinalizeDoesWhatItsTableSaysAndTwiceIsOnce',
  'what this release does not do is not asked at open': 'FinalizeDoesWhatItsTableSaysAndTwiceIsOnce',
  'a live transfer believes records that were cut off': 'AfterAnyFaultALiveTransferBelievesWhatItsJournalSays',
  'a live transfer does not know that its journal is confirmed': 'ConfirmedSaysNothingOfWhatFollowsIt',
  'a verdict is not fsynced': 'AVerdictIsOnTheDiskBeforeItCounts',
  'the home is not fsynced when a verdict has its name': 'AVerdictIsOnTheDiskBeforeItCounts',
  'a verdict that was read may be in the page cache only': 'WhoReadsAVerdictMakesItDurable',
  'the last verdict counts, not the first': 'TheFirstVerdictCounts',
  'two decide at a time': 'OneAtATimeDecides',
  'a verdict is removed before the removals that it outlives are durable':
    'ARemovedVerdictIsGoneAndWhatKilledWritersLeftToo',
  'a home that is gone holds no verdict': 'AHomeThatIsNotThereIsAConflict',
  'a verdict on another dataset is followed': 'WhatIsNoVerdictOnTheDatasetIsRefused',
  'ranks publish without a verdict that is durable': 'WhatRanksAgreedIsAboutEachOfThem',
  'ranks publish though a finalizer has decided to roll them back': 'RanksDoNotAgreeAgainstAFinalizer',
  "ranks remove a finalizer's verdict before its transfers are done with": 'RanksDoNotAgreeAgainstAFinalizer',
  'a rename that will be refused is found out after the first one': REFUSED,
  "another user's file in a directory with the sticky bit is found out after the first rename": REFUSED,
  'new names appear before old ones are replaced': 'NamesThatExistAreReplacedBeforeNewOnesAppear',
  'a silence is that of an earlier file': 'ASilenceBeginsAgainWithEveryChange',
  'a writer that has no thread for its heartbeat has a state file': 'AWriterThatCannotBeatHasNoStateFile',
  'what a job has opened is open when it is quiet': 'NothingThatAJobHasOpenedIsOpenOnceItIsQuiet',
  'one silent beat is death': 'AWriterIsDeadOnceItWasQuietForThreeBeatsAndAtLeastAMinute',
  'an inode number alone makes a file ours': 'AFileThatHasGotThePublishedInodeNumberIsNotMended',
  'inode numbers that mean nothing decide': 'WhereInodeNumbersMeanNothingTheBytesDecide',
  '--verify checksum does not overrule an inode number': 'AnotherInodeElsewhereIsAnotherFileUnlessItsBytesAreAskedFor',
  'what cannot be read is taken for another file': 'WhatCannotBeToldIsLeftAsItIs',
  'a transfer whose directories are not mounted is rolled back': NOT_THERE,
  'another directory of the same path is taken for the one of the transfer': NOT_THERE,
  'a resume goes on in another directory of the same path': NOT_THERE,
  'metadata that look right are believed although they were changed since DONE':
    'MetadataWhoseFsyncFailedAreGivenAgainBeforeTheyAreBelieved',
  'what has come to a destination since the dispatch is replaced': 'AnOlderTransferIsNotPublishedOverWhatHasComeSince',
  'what stood at a destination is known by its inode number alone': 'AnInodeNumberAloneIsNotWhatStoodThere',
  'what comes to a destination between the look and the rename is replaced':
    'ADestinationThatComesMeanwhileIsNotReplacedIfToldNotTo',
  'transfers to one destination are published in any order':
    'OfTwoTransfersToOneNameTheOneThatWasDispatchedLaterStandsThere',
  'what a newer transfer may replace is not durable before the older one is published':
    'WhatANewerTransferMayReplaceIsDurableBeforeTheOlderOneIsPublished',
  'an older transfer is replaced before its state file says that it is published':
    'AKillBetweenTwoTransfersToOneNameChangesNothingOfThat',
  'a copy of a state file is acted on': 'ACopyOfAStateFileIsLeftAloneUntilItIsAdopted',
  'what is taken over with --adopt is not durable': 'WhatIsAdoptedIsDurable',
  'a copy is taken over while its writer may be alive': 'ACopyIsNotAdoptedWhileItsWriterMayBeAlive',
  'a state file on a file system whose inode numbers mean nothing cannot be removed': HEADER,
  'any state file has the name of one whose inode number means nothing': HEADER,
  'a state directory that changes while it is listed is believed at the first look':
    'AStateFileThatAListingSkipsWhileItsDirectoryShrinksIsFoundAllTheSame',
  'an empty file is taken for none that was a state file': 'AStateFileIsKnownByItsHeaderWhateverFollows',
  'an orphan that has changed since it was found is deleted': 'AnOrphanThatHasChangedSinceItWasFoundIsLeft',
  'a state file is forgotten whose writer may be alive': 'OfAWriterOnAnotherHostNothingIsKnownSoItsStateFileStays',
  'an older file of the same size counts as renamed by AXL':
    'WhatAxlLeftIsPublishedOnEvidenceThatItIsWholeAndOnNothingElse',
  'what a later transfer of AXL has at the temporary name is published as that of an earlier one':
    'WhatAxlLeftIsPublishedOnEvidenceThatItIsWholeAndOnNothingElse',
  'a state file of AXL is acted on without the word of the operator':
    'NobodyButTheOperatorKnowsWhetherAStateFileOfAxlIsInUse',
  'keys of KVTree are nested without a limit': 'NestingOfKvTreeHasALimit',
};
