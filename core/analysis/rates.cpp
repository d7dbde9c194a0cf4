#include "core/analysis/rates.h"

#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {
double ratio(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}
}  // namespace

double tokensPerSecond(double steps, int sequences, double milliseconds) {
  return ratio(1000.0 * steps * sequences, milliseconds);
}

double gigaPerSecond(double amount, double milliseconds) {
  return 1e-6 * ratio(amount, milliseconds);
}

double millisecondsOf(double amount, double rate) {
  return 1e-6 * ratio(amount, rate);
}

double impliedGigabytesPerSecond(const model::Traffic& logical, double wallMs) {
  return gigaPerSecond(static_cast<double>(logical.total()), wallMs);
}

double kvReuseFactor(const model::Traffic& issued, const model::Traffic& logical) {
  return ratio(static_cast<double>(issued.kvRead), static_cast<double>(logical.kvRead));
}

std::string kvReuseText(double factor) {
  return model::fixedText(factor, 1);
}

std::string impliedText(double gigabytesPerSecond) {
  return model::fixedText(gigabytesPerSecond, 2);
}

double percentOf(double part, double whole) {
  return 100.0 * ratio(part, whole);
}

std::string percentOfProbeText(double percent) {
  return isImpossibleShare(percent) ? "wrong" : model::fixedText(percent, 0) + " %";
}

std::string shareOfProbeText(double percent, const std::string& probe) {
  using model::SentenceId;
  if (isImpossibleShare(percent)) return text::inWords<SentenceId::ProbeExceeded>(probe);
  return text::inWords<SentenceId::ProbeShare>(model::fixedText(percent, 0), probe);
}

std::string shareOfReadText(double percent) {
  return shareOfProbeText(percent, text::inWords<model::SentenceId::ProbeReadCeiling>());
}

}  // namespace headroom::analysis
