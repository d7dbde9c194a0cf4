#include "app/pages/head_changes.h"

#include <QActionGroup>
#include <QInputDialog>
#include <algorithm>

namespace headroom::pages {

namespace {
using model::HeadChange;
using model::HeadOutput;

constexpr double kMostFactor = 1000.0;
constexpr int kFactorDigits = 3;

/// What is offered at once; any other factor is asked for.
struct Offer {
  const char* name;
  const char* text;
  const char* tip;
  std::optional<HeadChange> change;
};
const Offer kOffers[] = {
    {"computes", "What it computes", "The head works as the model was trained.", std::nullopt},
    {"zero", "Nothing", "Its output is 0 before W_O, where heads are still separate.", HeadChange{}},
    {"mean", "Its mean",
     "Always what it gives on average over the text so far: what it adds whatever the text says stays, only "
     "what "
     "it tells apart goes.",
     HeadChange{.head = {}, .output = HeadOutput::Mean}},
    {"previous-token", "The value of the token before",
     "Its pattern is frozen: all of its attention on the position before.",
     HeadChange{.head = {}, .output = HeadOutput::PreviousToken}},
    {"uniform", "The mean of all values", "Its pattern is frozen: the same attention on every position.",
     HeadChange{.head = {}, .output = HeadOutput::Uniform}},
    {"first-token", "The value of the first token",
     "Its pattern is frozen: all of its attention on position 0.",
     HeadChange{.head = {}, .output = HeadOutput::FirstToken}},
    {"half", "Half of what it computes", "Its output times 0.5.",
     HeadChange{.head = {}, .output = HeadOutput::Scaled, .gain = 0.5}},
    {"twice", "Twice what it computes", "Its output times 2.",
     HeadChange{.head = {}, .output = HeadOutput::Scaled, .gain = 2.0}},
};

bool isSame(const HeadChange* a, const HeadChange* b) {
  if (!a || !b) return a == b;
  return a->output == b->output && a->gain == b->gain;
}
}  // namespace

void addHeadChanges(QMenu* menu, const std::vector<const HeadChange*>& now, const ChooseChange& choose) {
  menu->setToolTipsVisible(true);
  auto* group = new QActionGroup(menu);
  const auto add = [&](const char* name, const QString& text, const QString& tip, bool isNow) {
    QAction* action = menu->addAction(text);
    action->setObjectName(name);
    action->setToolTip(tip);
    action->setCheckable(true);
    action->setChecked(isNow);
    group->addAction(action);
    return action;
  };
  bool isOffered = false;
  for (const Offer& offer : kOffers) {
    const HeadChange* offered = offer.change ? &*offer.change : nullptr;
    const bool isNow = std::ranges::all_of(now, [&](const HeadChange* one) { return isSame(offered, one); });
    isOffered = isOffered || isNow;
    QObject::connect(add(offer.name, offer.text, offer.tip, isNow), &QAction::triggered, menu,
                     [choose, change = offer.change] { choose(change); });
  }
  const bool isOther =
      !isOffered && !now.empty() && now.front() && now.front()->output == HeadOutput::Scaled &&
      std::ranges::all_of(now, [&](const HeadChange* one) { return isSame(now.front(), one); });
  const double factor = isOther ? now.front()->gain : 1.0;
  QAction* other =
      add("factor", isOther ? QString("%1 times what it computes\u2026").arg(factor) : "Another factor\u2026",
          "Its output times a factor that you enter.", isOther);
  QObject::connect(other, &QAction::triggered, menu, [menu, choose, factor] {
    bool isEntered = false;
    const double entered =
        QInputDialog::getDouble(menu->parentWidget(), "Scale a head", "Its output times:", factor,
                                -kMostFactor, kMostFactor, kFactorDigits, &isEntered);
    if (isEntered) choose(HeadChange{.head = {}, .output = HeadOutput::Scaled, .gain = entered});
  });
}

}  // namespace headroom::pages
