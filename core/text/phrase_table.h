#pragma once

#include <string_view>

#include "core/model/sentence.h"

namespace headroom::text {

/// The words of a sentence in English, with {0}, {1}, ... where its arguments stand. One place for all words,
/// so that another language is another table.
constexpr std::string_view words(model::SentenceId id) {
  using model::SentenceId;
  switch (id) {
    // The verdict
    case SentenceId::VerdictNotMeasured:
      return "Not measured yet: decode a few tokens in every lane.";
    case SentenceId::VerdictTooFewSteps:
      return "Too few steps to compare yet: {0} of the {1} that every lane takes by turns. Play on.";
    case SentenceId::VerdictOneLaneShares:
      return "Open {0} as MHA, or another lane with more KV heads, beside it to see what sharing "
             "brings.";
    case SentenceId::VerdictOneLaneAlone:
      return "Open a GQA or MQA lane beside {0} to see what sharing keys and values brings.";
    case SentenceId::VerdictOtherPositions:
      return "These lanes stand at different positions: fed the same text, their times compare.";
    case SentenceId::VerdictTooNoisy:
      return "Too noisy here to tell: {0} is {1} to {2}\u00d7 as fast as {3}. Measure takes turns.";
    case SentenceId::VerdictTooNoisyButMeasured:
      return "Too noisy here to tell: {0} is {1} to {2}\u00d7 as fast as {3}; {4} measured at {5}.";
    case SentenceId::VerdictSweepTooNoisy:
      return "Too noisy here to tell: {0} is {1} to {2}\u00d7 as fast as {3}; nor could Measure tell.";
    case SentenceId::VerdictButTooNoisy:
      return "; {0} too noisy to tell, {1} to {2}\u00d7";
    case SentenceId::VerdictOfSharedKernel:
      return "The shared kernel is {0}";
    case SentenceId::VerdictFirstLane:
      return "{0} is {1}";
    case SentenceId::VerdictNextLane:
      return "{0}, {1} is {2}";
    case SentenceId::VerdictWideRange:
      return "{0}\u00d7 ({1} to {2})";
    case SentenceId::VerdictNaiveKernel:
      return "the naive kernel";
    case SentenceId::VerdictSharedKernel:
      return "the shared kernel";
    case SentenceId::VerdictCompared:
      return "{0} as fast as {1} here";
    case SentenceId::VerdictNothingMore:
      return ".";
    case SentenceId::VerdictPositions:
      return "{0} positions";
    case SentenceId::VerdictBatchPositions:
      return "batch {0}, {1} positions";
    case SentenceId::VerdictExpected:
      return "; {0}\u00d7 expected at {1} ({2} to {3}).";
    case SentenceId::VerdictMeasured:
      return "; {0} measured at {1}.";
    case SentenceId::VerdictKernelLimits:
      return ". Our kernel is the limit, not the memory: attention of {0} reads KV at {1} GB/s, of "
             "{2} at {3}.";
    case SentenceId::VerdictKernelLimitsInShort:
      return ". Our kernel is the limit: attention reads KV at {1} GB/s in {0}, {3} in {2}.";
    case SentenceId::VerdictKernelLimitsOnly:
      return ". Our kernel is the limit, not the memory.";
    case SentenceId::VerdictSmallIssuedShare:
      return "; KV is {0} of the issued bytes that {1} reads";
    case SentenceId::VerdictSmallLogicalShare:
      return "; KV is {0} of the logical bytes that {1} reads";
    // What stands behind it
    case SentenceId::SizesDiffer:
      return "{0} has an FFN {1} wide and {2} parameters, {3} an FFN {4} wide and {5}: that is "
             "compared too, not KV heads alone.";
    case SentenceId::BoundIssuedShare:
      return "KV is {0} of the issued bytes that a step reads";
    case SentenceId::BoundLogicalShare:
      return "KV is {0} of the logical bytes that a step reads";
    case SentenceId::BoundProcessor:
      return "{0}; it runs on the processor, which no ceilings were measured of.";
    case SentenceId::BoundNoTimeStamps:
      return "{0}; this device has no time stamps, so what limits it is not known.";
    case SentenceId::BoundNoCeilings:
      return "{0}; what limits it shows once this device's ceilings are measured.";
    case SentenceId::BoundLaunch:
      return "{0}: {1} dispatches and the overhead around them take {2}; {3}.";
    case SentenceId::BoundWeights:
      return "{0}: reading {1} of weights takes {2} ({3}); {4}.";
    case SentenceId::BoundKv:
      return "{0}: loading {1} of keys and values takes {2} ({3}); {4}.";
    case SentenceId::BoundInstructions:
      return "{0}: the kernels' instructions take {1}, at {2}; the step reads at {3}: neither arithmetic "
             "nor memory is the limit; {4}.";
    case SentenceId::BoundArithmetic:
      return "{0}: {1} GFLOP take {2} ({3} GFLOP/s, {4}); {5}.";
    case SentenceId::BoundCacheResident:
      return "{0}: the {1} that a step reads stay in the device's caches and come at {2} GB/s, "
             "{3}\u00d7 what memory reaches; {4}.";
    case SentenceId::BoundPartOfStep:
      return "{0} of {1}";
    case SentenceId::BoundRate:
      return "{0} GB/s, {1}";
    case SentenceId::ProbeShare:
      return "{0} % of the {1}";
    case SentenceId::ProbeExceeded:
      return "more than the {0}, which is to be measured again";
    case SentenceId::ProbeReadCeiling:
      return "read ceiling";
    case SentenceId::ProbeFma:
      return "FMA probe";
    case SentenceId::RecentSteps:
      return "the last {0} decode steps";
    case SentenceId::RecentStepsAtMost:
      return "at most the last {0} decode steps";
    case SentenceId::CurveOfNaiveKernel:
      return "{0}, naive kernel";
    case SentenceId::AttentionShare:
      return "Attention has {0} of {1} parameters ({2} %).";
    // What the texts of lanes are
    case SentenceId::TrainedContext:
      return "the trained context of {0} positions";
    case SentenceId::Untrained:
      return "Beyond {0}: text need not make sense there, times and bytes are true.";
    case SentenceId::UntrainedSweep:
      return "contexts beyond {0} positions are timed, but text there would not make sense";
    case SentenceId::HeadAlone:
      return "Query head {0} alone reads the keys and values of this KV head: nothing is shared.";
    case SentenceId::HeadsShare:
      return "Query heads {0} to {1} share the keys and values of this KV head, which are cached "
             "once for all {2} of them.";
    // Why lanes stop, and run by themselves
    case SentenceId::OfLane:
      return "{0}: {1}";
    case SentenceId::OfLanesToo:
      return "{0}, {1}";
    case SentenceId::ListLast:
      return "{0} and {1}";
    case SentenceId::ListNext:
      return "{0}, {1}";
    case SentenceId::TextEnded:
      return "{0} has ended its text.";
    case SentenceId::RecordEnded:
      return "{0} was recorded up to here. Press play to see it again.";
    case SentenceId::ContextFullOfOne:
      return "{0} has reached the context limit of {1} tokens";
    case SentenceId::ContextFullOfMany:
      return "{0} have reached the context limit of {1} tokens";
    case SentenceId::ContextFullOfOneToo:
      return "{0}, {1} has reached that of {2}";
    case SentenceId::ContextFullOfManyToo:
      return "{0}, {1} have reached that of {2}";
    case SentenceId::ContextFullPlayAgain:
      return "{0}. Press play to decode again from the prompt.";
    case SentenceId::TextStays:
      return "{0} What was decoded stays.";
    case SentenceId::DeviceLostTextStays:
      return "{0} The text so far stays; press play to open the device again and go on.";
    case SentenceId::FailedTextStays:
      return "{0} Press play to try again from there.";
    case SentenceId::OldLanesCloseFirst:
      return "Memory does not hold the new lanes beside the old ones, so these are closed first; their "
             "text is read again.";
    case SentenceId::OpeningCancelled:
      return "Opening {0} was cancelled.";
    case SentenceId::ApartAllVocabularies:
      return "Lockstep feeds every lane the same tokens, but these lanes have different tokenizers, "
             "so each lane now runs freely; lockstep comes back with lanes of one tokenizer.";
    case SentenceId::ApartVocabularyOfOne:
      return "{0} has another tokenizer than the other lanes and cannot be fed their tokens, so it "
             "runs freely; the others stay in lockstep.";
    case SentenceId::ApartVocabularyOfMany:
      return "{0} have another tokenizer than the other lanes and cannot be fed their tokens, so "
             "they run freely; the others stay in lockstep.";
    case SentenceId::ApartTextOfOne:
      return "{0} has read another text, so lockstep cannot go on from here and nothing decoded is "
             "thrown away: restart to feed all lanes one text.";
    case SentenceId::ApartTextOfMany:
      return "{0} have read another text, so lockstep cannot go on from here and nothing decoded is "
             "thrown away: restart to feed all lanes one text.";
    // How far long work is
    case SentenceId::OpeningProgress:
      return "Opening {0}: {1} % done, checking the file and bringing its weights to the device.";
    case SentenceId::MeasuringProgress:
      return "Measuring: batch {0} behind {1} positions, {2} % done.";
    case SentenceId::MeasuringProgressAtQuit:
      return "{0} What was measured would be lost.";
    case SentenceId::FillingProgress:
      return "Filling the caches with text: all lanes have {0} of {1} positions, {2} %.";
    case SentenceId::FillingProgressWithTime:
      return "Filling the caches with text: all lanes have {0} of {1} positions, {2} %, about {3} s more.";
    // What commands answer
    case SentenceId::MeasuringCeilings:
      return "Measuring what this device reaches at most (copies, arithmetic, dispatches); decoding "
             "pauses for a few seconds.";
    case SentenceId::MeasuringKernels:
      return "Measuring which kernels are the fastest for {0}, once for this device, for later starts; "
             "decoding "
             "pauses for a few seconds.";
    case SentenceId::NothingToMeasure:
      return "There is nothing to measure: no lane decodes a model on a Vulkan device.";
    case SentenceId::NoLaneToStudy:
      return "There is no lane whose heads could be looked at; add one first.";
    case SentenceId::NoModelToStudy:
      return "{0} is a trace: there is no model to read another text with.";
    case SentenceId::NoTextToStudy:
      return "{0} has read no text yet whose heads could be looked at, expected two tokens or more.";
    case SentenceId::NoTextForMean:
      return "{0} has read no text yet over which the mean of a head could be measured; decode something "
             "first.";
    case SentenceId::NoTextRead:
      return "{0} has read no text yet; decode something first.";
    case SentenceId::NotOneToken:
      return "\u201c{0}\u201d is {1} tokens to {2}, expected one; a token that begins a word often begins "
             "with a "
             "space.";
    case SentenceId::NoMemoryForPatching:
      return "{0} in 64-bit numbers takes {1} of memory, this machine has {2} free.";
    case SentenceId::TextsForPatching:
      return "two texts, with copies from one into the other";
    case SentenceId::MeanStopped:
      return "Stopped; the heads of {0} stay as they were.";
    case SentenceId::StudyNeedsDevice:
      return "The lanes are on no device now; play opens them again, then heads can be looked at.";
    case SentenceId::StudyStopped:
      return "Stopped; what was read until then counts.";
    case SentenceId::StudyProgress:
      return "{0}: reading {1}, {2} % done.";
    case SentenceId::TextOfLane:
      return "what it has decoded";
    case SentenceId::TextNotRead:
      return "The text {0} cannot be read: {1}.";
    case SentenceId::TextTooLong:
      return "The text {0} has {1} bytes, expected at most {2}.";
    case SentenceId::DeviceNotThere:
      return "The device chosen in the preferences, {0}, is not there; lanes decode on the best one "
             "that is.";
    case SentenceId::NoLaneForPreset:
      return "There is no lane for it; add one first.";
    case SentenceId::NoLaneToSave:
      return "There is no lane to save; an experiment has at least one.";
    case SentenceId::ExperimentSaved:
      return "The experiment is saved as {0}.";
    case SentenceId::LanesUnderWay:
      return "Lanes are being opened or closed; once they stand, try again.";
    case SentenceId::PromptBeingRead:
      return "The prompt is being read; once it is, choose again.";
    case SentenceId::LanesFull:
      return "At most {0} lanes stand side by side; close one first.";
    case SentenceId::LanesFullNotOpened:
      return "At most {0} lanes stand side by side; not opened: {1}. Close a lane first.";
    case SentenceId::LaneClosed:
      return "Lane {0} is closed.";
    case SentenceId::NoRoomForClosed:
      return "There is no room for the closed lane among {0}; close one first.";
    case SentenceId::BackToExperiment:
      return "the experiment from before (Ctrl+Shift+G)";
    case SentenceId::BackToSettings:
      return "the lanes and settings from before (Ctrl+Shift+G)";
    case SentenceId::BackToPlace:
      return "the lanes, batch and filling from before (Ctrl+Shift+G)";
    case SentenceId::BackToLanes:
      return "the lanes from before (Ctrl+Shift+G)";
    case SentenceId::KernelsAlike:
      return "{0} has a KV head for every query head, so both kernels load each key once: open a "
             "lane with GQA or MQA to see them differ.";
    case SentenceId::NoKernelsToCompare:
      return "Kernels are compared on a lane that a Vulkan device decodes, and there is none here.";
    case SentenceId::ContradictsItself:
      return "{0}: the file contradicts itself. {1}.";
    case SentenceId::ContradictsItselfOften:
      return "{0}: the file contradicts itself in {1} places. {2}.";
    case SentenceId::TraceNotWhole:
      return "{0} has no row of attention that is held whole, so there is no trace to save: rows "
             "beyond {1} positions are kept pooled, and old ones go when memory is short.";
    case SentenceId::TraceSaved:
      return "The trace of {0} is saved as {1}: {2} tokens with their attention.";
    case SentenceId::TraceSavedInPart:
      return "The trace of {0} is saved as {1}: {2} tokens, attention of positions {3} to {4} only: "
             "rows beyond {5} positions are kept pooled, and old ones go when memory is short.";
    // The truth card
    case SentenceId::CardProof:
      return "the output projection takes {0} columns from {1} query heads, so a head has {2}; the key "
             "projection has {3} rows, so there are {3} / {2} = {4} KV heads";
    case SentenceId::CardGeluTable:
      return "GELU (tanh form, in half precision as ggml does)";
    case SentenceId::CardGeluTanh:
      return "GELU (tanh form)";
    case SentenceId::CardGeluExact:
      return "GELU (exact)";
    case SentenceId::CardGated:
      return "gated {0}";
    case SentenceId::CardPlain:
      return "plain {0}";
    case SentenceId::CardLearnedPositions:
      return "{0} learned positions";
    case SentenceId::CardRope:
      return "RoPE on {0} of {1} elements, base {2}";
    case SentenceId::CardRopeOneSet:
      return "scaled by one set of factors";
    case SentenceId::CardRopeTwoSets:
      return "scaled by short and long factors";
    case SentenceId::CardRopeScaling:
      return "{0} scaling by {1}";
    case SentenceId::CardParallel:
      return "attention and FFN in parallel";
    case SentenceId::CardBiases:
      return "biases on Q, K and V";
    case SentenceId::CardHeadNorms:
      return "a norm per query and key head";
    case SentenceId::CardBranchNorms:
      return "norms behind attention and FFN";
    case SentenceId::CardWindowEvery:
      return "a window of {0} positions in every layer";
    case SentenceId::CardWindowEveryOther:
      return "a window of {0} positions in every other layer";
    case SentenceId::CardScoresCapped:
      return "scores capped at {0}";
    case SentenceId::CardLogitsCapped:
      return "logits capped at {0}";
    case SentenceId::CardUnknownChat:
      return "of no family that this program writes";
    case SentenceId::CardMemory:
      return "{0} needed on {1} ({2}, {3} cache of {4} positions at {5}, {6} working memory), {7} there";
    case SentenceId::CardWeights:
      return "{0} weights as {1}";
    case SentenceId::CardWeightsShared:
      return "the weights are {0}'s and count there";
    case SentenceId::CardFits:
      return "{0}: it fits";
    case SentenceId::CardFitsNot:
      return "{0}. {1}";
    case SentenceId::CardLayersOf:
      return "layers {0} of {1}";
    case SentenceId::CardRowsOf:
      return "the rows of positions {0} to {1} of {2}";
    case SentenceId::CardNotRecorded:
      return "{0}; the rest is not recorded";
    case SentenceId::CardCachePerToken:
      return "2 (K and V) \u00d7 {0} layers \u00d7 {1} KV heads \u00d7 {2} head_dim \u00d7 {3} bytes = "
             "{4} bytes per token";
    case SentenceId::CardCachePerPosition:
      return "2 (K and V) \u00d7 {0} layers \u00d7 {1} KV heads \u00d7 {2} head_dim \u00d7 {3} bytes "
             "\u00d7 {4} sequences = {5} bytes per position";
    case SentenceId::CardTokenizer:
      return "{0}, {1} tokens";
    case SentenceId::CardRecorded:
      return "a {0}: attention of {1} tokens; nothing is computed here";
    case SentenceId::CardRecordedHeads:
      return "{0}: {1} layers, {2} query heads, {3} KV heads, head_dim {4}";
    case SentenceId::CardHeads:
      return "{0}: {1} query heads, {2} KV heads, head_dim {3}";
    case SentenceId::CardSizes:
      return "{0}, model {1}, feed-forward {2}, vocabulary {3}";
    case SentenceId::CardPositions:
      return "{0} positions";
    case SentenceId::CardShare:
      return "{0} in {1} {2} tensors";
    case SentenceId::CardTied:
      return "{0}, the output shares the embedding's";
    case SentenceId::CardAsMha:
      return "{0} bytes per token, {1} times as many";
    case SentenceId::CardNoTokenizer:
      return "none: token ids only";
    case SentenceId::CardNoContradictions:
      return "none found";
  }
  return "";
}

/// Arguments that the words have a place for: {0} to the last.
constexpr std::size_t argumentCount(model::SentenceId id) {
  const std::string_view pattern = words(id);
  std::size_t count = 0;
  for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
    if (pattern[at] != '{') continue;
    const auto index = static_cast<std::size_t>(pattern[at + 1] - '0');
    if (index + 1 > count) count = index + 1;
  }
  return count;
}

}  // namespace headroom::text
