#pragma once

#include <string>
#include <vector>

namespace headroom::model {

/// What a sentence says, or a part of one; its words are in core/text/phrase_table.h.
enum class SentenceId {
  // The verdict
  VerdictNotMeasured,
  VerdictTooFewSteps,
  VerdictOneLaneShares,
  VerdictOneLaneAlone,
  VerdictOtherPositions,
  VerdictTooNoisy,
  VerdictTooNoisyButMeasured,
  VerdictSweepTooNoisy,
  VerdictFirstLane,
  VerdictNextLane,
  VerdictWideRange,
  VerdictNaiveKernel,
  VerdictSharedKernel,
  VerdictCompared,
  VerdictNothingMore,
  VerdictPositions,
  VerdictBatchPositions,
  VerdictExpected,
  VerdictMeasured,
  VerdictKernelLimits,
  VerdictKernelLimitsInShort,
  VerdictKernelLimitsOnly,
  VerdictSmallIssuedShare,
  VerdictSmallLogicalShare,

  // What stands behind it
  SizesDiffer,
  BoundIssuedShare,
  BoundLogicalShare,
  BoundProcessor,
  BoundNoTimeStamps,
  BoundNoCeilings,
  BoundLaunch,
  BoundWeights,
  BoundKv,
  BoundInstructions,
  BoundArithmetic,
  BoundCacheResident,
  BoundPartOfStep,
  BoundRate,
  ProbeShare,
  ProbeExceeded,
  ProbeReadCeiling,
  ProbeFma,
  RecentSteps,
  RecentStepsAtMost,
  CurveOfNaiveKernel,
  AttentionShare,

  // What the texts of lanes are
  TrainedContext,
  Untrained,
  UntrainedSweep,
  HeadAlone,
  HeadsShare,

  // Why lanes stop, and run by themselves
  OfLane,
  OfLanesToo,
  ListLast,
  ListNext,
  TextEnded,
  RecordEnded,
  ContextFullOfOne,
  ContextFullOfMany,
  ContextFullOfOneToo,
  ContextFullOfManyToo,
  ContextFullPlayAgain,
  TextStays,
  DeviceLostTextStays,
  FailedTextStays,
  OldLanesCloseFirst,
  OpeningCancelled,
  ApartAllVocabularies,
  ApartVocabularyOfOne,
  ApartVocabularyOfMany,
  ApartTextOfOne,
  ApartTextOfMany,

  // How far long work is
  OpeningProgress,
  MeasuringProgress,
  MeasuringProgressAtQuit,
  FillingProgress,
  FillingProgressWithTime,

  // What commands answer
  MeasuringCeilings,
  NothingToMeasure,
  DeviceNotThere,
  NoLaneForPreset,
  NoLaneToSave,
  ExperimentSaved,
  LanesUnderWay,
  LanesFull,
  LanesFullNotOpened,
  LaneClosed,
  NoRoomForClosed,
  BackToExperiment,
  BackToSettings,
  BackToPlace,
  BackToLanes,
  KernelsAlike,
  NoKernelsToCompare,
  ContradictsItself,
  ContradictsItselfOften,
  TraceNotWhole,
  TraceSaved,
  TraceSavedInPart,

  // The truth card
  CardProof,
  CardGeluTable,
  CardGeluTanh,
  CardGeluExact,
  CardGated,
  CardPlain,
  CardLearnedPositions,
  CardRope,
  CardRopeOneSet,
  CardRopeTwoSets,
  CardRopeScaling,
  CardParallel,
  CardBiases,
  CardHeadNorms,
  CardBranchNorms,
  CardWindowEvery,
  CardWindowEveryOther,
  CardScoresCapped,
  CardLogitsCapped,
  CardUnknownChat,
  CardMemory,
  CardWeights,
  CardWeightsShared,
  CardFits,
  CardFitsNot,
  CardLayersOf,
  CardRowsOf,
  CardNotRecorded,
  CardCachePerToken,
  CardCachePerPosition,
  CardTokenizer,
  CardRecorded,
  CardRecordedHeads,
  CardHeads,
  CardSizes,
  CardPositions,
  CardShare,
  CardTied,
  CardAsMha,
  CardNoTokenizer,
  CardNoContradictions,
};
inline constexpr int kSentenceCount = static_cast<int>(SentenceId::CardNoContradictions) + 1;

/// A sentence for people, apart from its words: what it says and the names and numbers in it.
struct Sentence {
  SentenceId id = SentenceId::VerdictNotMeasured;
  std::vector<std::string> arguments = {};

  bool operator==(const Sentence&) const = default;
};

}  // namespace headroom::model
