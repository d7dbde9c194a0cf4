#include "app/pages/heads/head_sought.h"

#include <cmath>

#include "app/pages/texts.h"

namespace headroom::pages {

namespace {

const analysis::HeadSurvey::Head& headOf(const session::HeadBoard& board, const HeadRow& row) {
  return board.entries()[row.entry].report.survey.heads[row.head];
}

const session::HeadBoard::Loss* lossAt(const session::HeadBoard& board, const HeadRow& row) {
  const analysis::HeadSurvey::Head& head = headOf(board, row);
  return board.lossOf(row.entry, {head.layer, head.queryHead});
}

}  // namespace

std::vector<HeadSought> soughtHeads(const session::HeadBoard& board) {
  std::vector<HeadSought> all;
  for (const analysis::HeadKind& kind : analysis::headKinds()) {
    const analysis::HeadColumn& number = analysis::headColumns()[kind.column];
    all.push_back(
        {.title = kind.title,
         .purpose = kind.purpose,
         .measure = number.title,
         .name = number.name,
         .column = HeadTable::FirstNumber + static_cast<int>(kind.column),
         .largestFirst = kind.largestFirst,
         .valueOf = [&board, &number](const HeadRow& row) { return number.of(headOf(board, row)); },
         .textOf = [&board, &number](const HeadRow& row) { return numberText(number, headOf(board, row)); },
         .number = &number});
  }
  all.push_back(
      {.title = "Loss without it",
       .purpose = "Heads that the model predicts the text worst without, of those whose loss was measured.",
       .measure = "Loss, nats/token",
       .name = "loss",
       .column = HeadTable::lossColumn(),
       .valueOf =
           [&board](const HeadRow& row) {
             const session::HeadBoard::Loss* loss = lossAt(board, row);
             return !loss ? analysis::kNotKnown : loss->withinNoise ? 0.0 : loss->change;
           },
       .textOf =
           [&board](const HeadRow& row) {
             const session::HeadBoard::Loss* loss = lossAt(board, row);
             return loss ? lossText(*loss) : QString("\u2013");
           }});
  return all;
}

std::optional<HeadRow> strongestOf(const HeadSought& sought, const session::HeadBoard& board,
                                   std::size_t entry) {
  std::optional<HeadRow> strongest;
  double most = 0.0;
  for (std::size_t head = 0; head < board.entries()[entry].report.survey.heads.size(); ++head) {
    const double value = sought.valueOf({entry, head}) * (sought.largestFirst ? 1.0 : -1.0);
    if (std::isnan(value) || (strongest && value <= most)) continue;
    strongest = HeadRow{entry, head};
    most = value;
  }
  return strongest;
}

}  // namespace headroom::pages
