#pragma once

#include <string>

#include "core/model/step_record.h"

namespace headroom::analysis {

/// The formulas behind every rate and ratio that a view, a report or a verdict shows. Each is 0 where what it
/// is a share of, or the time, is not known: 0 is never a rate that was measured, and is not shown as one.

/// Tokens of all sequences together per second: steps x sequences x 1,000 / milliseconds.
double tokensPerSecond(double steps, int sequences, double milliseconds);

/// `amount` over time as 10^9 per second: GB/s of bytes, GFLOP/s of FLOPs.
double gigaPerSecond(double amount, double milliseconds);
/// The inverse: how many milliseconds `amount` takes at a rate of 10^9 per second.
double millisecondsOf(double amount, double rate);

/// Implied bandwidth in GB/s: logical bytes, each datum once, over the wall time of the steps that they are
/// of.
double impliedGigabytesPerSecond(const model::Traffic& logical, double wallMs);

/// Issued over logical KV reads: how often a kernel loads each key and value. Query heads / KV heads for the
/// naive kernel; see term("shared").
double kvReuseFactor(const model::Traffic& issued, const model::Traffic& logical);

/// Both as counters and reports show them, without units: "8.0", "12.34".
std::string kvReuseText(double factor);
std::string impliedText(double gigabytesPerSecond);

/// `part` of `whole` in percent: of a copy's GB/s, of the FMA probe's GFLOP/s.
double percentOf(double part, double whole);

/// More percent of what a probe reached than can be: one of the two measurements was disturbed. Said in place
/// of the number.
inline constexpr double kMostPercentOfProbe = 105.0;
inline bool isImpossibleShare(double percent) {
  return percent > kMostPercentOfProbe;
}

/// "54 %" for a table, "wrong" beyond what can be.
std::string percentOfProbeText(double percent);

/// "54 % of the read ceiling"; beyond what can be, that the probe is to be measured again.
std::string shareOfProbeText(double percent, const std::string& probe);
/// The same of the read ceiling.
std::string shareOfReadText(double percent);

/// Whether anybody counted issued bytes: kernels count what they load and store, a processor and a trace do
/// not.
inline bool isCounted(const model::Traffic& issued) {
  return issued.total() > 0;
}
/// What stands for a step: issued bytes, or logical ones where nobody counted those.
inline model::Traffic countedOrLogical(const model::Traffic& issued, const model::Traffic& logical) {
  return isCounted(issued) ? issued : logical;
}

}  // namespace headroom::analysis
