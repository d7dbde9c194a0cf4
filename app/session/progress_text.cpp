#include "app/session/progress_text.h"

#include <algorithm>

#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::session {

using model::groupDigits;
using model::SentenceId;
using text::inWords;

namespace {
/// Of a share between 0 and 1.
std::string percentDone(double share) {
  return std::to_string(static_cast<int>(100.0 * share));
}
}  // namespace

std::string progressText(const Opening& opening) {
  return inWords<SentenceId::OpeningProgress>(opening.title, percentDone(opening.share));
}

std::string progressText(const Measuring& measuring) {
  return inWords<SentenceId::MeasuringProgress>(
      std::to_string(measuring.at.batch), groupDigits(measuring.at.positions), percentDone(measuring.share));
}

std::string progressText(const Studying& studying) {
  return inWords<SentenceId::StudyProgress>(studying.title, studying.text, percentDone(studying.share));
}

std::string progressAtQuit(const Measuring& measuring) {
  return inWords<SentenceId::MeasuringProgressAtQuit>(progressText(measuring));
}

std::string progressText(const Filling& filling, std::optional<int> secondsLeft) {
  const std::string reached = groupDigits(filling.reached);
  const std::string length = groupDigits(filling.length);
  const std::string percent = percentDone(static_cast<double>(filling.reached) / std::max(filling.length, 1));
  if (!secondsLeft) return inWords<SentenceId::FillingProgress>(reached, length, percent);
  return inWords<SentenceId::FillingProgressWithTime>(reached, length, percent, groupDigits(*secondsLeft));
}

}  // namespace headroom::session
