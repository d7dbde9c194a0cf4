#include "core/lanes/lane_set.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

#include "core/lanes/prompt.h"
#include "core/model/error.h"

namespace headroom::lanes {

namespace {
using Lane = LaneSet::Lane;

bool beginsAlike(std::span<const int> a, std::span<const int> b) {
  const std::size_t common = std::min(a.size(), b.size());
  return std::ranges::equal(a.first(common), b.first(common));
}

/// What a lane has read, or will: of a trace, all that was recorded.
const std::vector<int>& textOf(const Lane& lane) {
  return lane.engine.script.empty() ? lane.text : lane.engine.script;
}

/// A trace can only go on as it was recorded, so whoever runs beside it must not be further along another
/// way.
bool sameText(const Lane& a, const Lane& b) {
  const auto fits = [](const Lane& trace, const Lane& other) {
    return trace.engine.script.empty() || other.text.size() <= trace.engine.script.size();
  };
  return fits(a, b) && fits(b, a) && beginsAlike(textOf(a), textOf(b));
}

}  // namespace

std::string_view shortName(StopReason reason) {
  switch (reason) {
    case StopReason::TokenLimit:
      return "max_tokens";
    case StopReason::EndToken:
      return "end_token";
    case StopReason::ContextFull:
      return "context_full";
    case StopReason::RecordEnd:
      return "record_end";
    case StopReason::Failed:
      return "failed";
    case StopReason::DeviceLost:
      return "device_lost";
    case StopReason::Interrupted:
      return "interrupted";
  }
  return "";
}

void LaneSet::Lane::cutText(int positions) {
  text.resize(std::min(text.size(), static_cast<std::size_t>(positions)));
  promptLength = std::min(promptLength, positions);
}

void LaneSet::Lane::takeUp() {
  stopReason.reset();
  error = nullptr;
}

void LaneSet::Lane::takeUpAnew() {
  takeUp();
  choice = -1;
}

LaneSet::LaneSet(Options options, BlockChoice block, Events events)
    : m_options(std::move(options)), m_block(std::move(block)), m_events(std::move(events)) {}

void LaneSet::setSampling(const model::SamplingOptions& sampling) {
  m_options.sampling = sampling;
  for (Lane& lane : m_lanes) lane.sampler = model::Sampler(sampling);
}

void LaneSet::setWhenTextEnds(WhenTextEnds when) {
  m_options.whenTextEnds = when;
  if (when == WhenTextEnds::Stop) return;
  for (Lane& lane : m_lanes) {
    if (lane.stopReason == StopReason::EndToken) lane.stopReason.reset();
  }
}

void LaneSet::arrange(std::vector<Place> places, const PromptOf& promptOf) {
  assert(std::ssize(places) <= kMostLanes);
  std::vector<Lane> lanes;
  std::vector<bool> isFresh;  // has an engine that has read nothing yet
  for (Place& place : places) {
    isFresh.push_back(place.engine.has_value());
    if (place.from < 0) {
      lanes.push_back({.engine = std::move(*place.engine),
                       .sampler = model::Sampler(m_options.sampling),
                       .text = std::move(place.text.tokens),
                       .promptLength = place.text.promptLength});
      continue;
    }
    lanes.push_back(std::move(m_lanes[static_cast<std::size_t>(place.from)]));
    if (!place.engine) continue;
    lanes.back().engine = std::move(*place.engine);
    lanes.back().takeUpAnew();
  }
  m_lanes = std::move(lanes);
  numberAlike();
  group();
  for (int index = 0; index < laneCount(); ++index) {
    if (isFresh[static_cast<std::size_t>(index)]) catchUp(index);
  }
  // With the same text again, the first of a group leads.
  for (int index = 0; index < laneCount(); ++index) {
    if (lane(index).leader == index) chooseLeader(index);
  }
  beginFresh(promptOf);
}

std::vector<LaneText> LaneSet::release() {
  std::vector<LaneText> texts;
  for (Lane& lane : m_lanes) texts.push_back({std::move(lane.text), lane.promptLength});
  m_lanes.clear();
  return texts;
}

void LaneSet::tryAgain(const PromptOf& promptOf) {
  std::vector<int> again;
  for (int index = 0; index < laneCount(); ++index) {
    Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    if (lane.stopReason != StopReason::Failed) continue;
    lane.takeUp();
    again.push_back(index);
  }
  group();
  for (const int index : again) catchUp(index);
  beginFresh(promptOf);
}

/// Lanes of one name and the same options are told apart by a number.
void LaneSet::numberAlike() {
  std::map<std::string, int> count;
  for (Lane& lane : m_lanes) {
    lane.engine.number = 1;
    lane.engine.number = ++count[lane.engine.title()];
  }
}

std::vector<std::exception_ptr> LaneSet::whyNoneWouldStart(const PromptOf& promptOf) const {
  std::vector<std::exception_ptr> reasons;
  for (int index = 0; index < laneCount(); ++index) {
    try {
      const std::vector<int> text = promptOf(index);
      if (lane(index).engine.script.empty()) model::checkText(*lane(index).engine.decoder, text);
      return {};
    } catch (const std::exception&) {
      reasons.push_back(std::current_exception());
    }
  }
  return reasons;
}

void LaneSet::start(const PromptOf& promptOf) {
  for (Lane& lane : m_lanes) {
    lane.sampler.reset();
    lane.cutText(0);
    lane.takeUpAnew();
  }
  for (int index = 0; index < laneCount(); ++index) {
    guarded(index, [&] { decoder(index).truncate(0); });
  }
  group();
  beginFresh(promptOf);
}

/// Whose choices each lane is fed: lanes of one vocabulary that have read one text make a group. Those with a
/// text come first, so that one without, which fits anywhere, cannot tie together what differs.
void LaneSet::group() {
  const bool lockstep = m_options.feed == TokenFeed::Lockstep;
  std::vector<std::vector<int>> groups;
  for (const bool withText : {true, false}) {
    for (int index = 0; index < laneCount(); ++index) {
      const Lane& candidate = lane(index);
      if (textOf(candidate).empty() == withText) continue;
      const auto fits = [&](const std::vector<int>& members) {
        return lockstep && std::ranges::all_of(members, [&](int member) {
                 return sameVocabulary(lane(member).engine, candidate.engine) &&
                        sameText(lane(member), candidate);
               });
      };
      const auto found = std::ranges::find_if(groups, fits);
      if (found == groups.end()) {
        groups.push_back({index});
      } else {
        found->push_back(index);
      }
    }
  }
  for (std::vector<int>& members : groups) {
    std::ranges::sort(members);
    for (const int member : members) m_lanes[static_cast<std::size_t>(member)].leader = members.front();
  }
  for (const std::vector<int>& members : groups) chooseLeader(members.front());
}

/// Of a group's lanes that can go on, a trace leads, which can only go on as it was recorded, else the first
/// of those that have read most. Where none can, the leader stays.
void LaneSet::chooseLeader(int leader) {
  int best = -1;
  for (int index = 0; index < laneCount(); ++index) {
    const Lane& candidate = lane(index);
    if (candidate.leader != leader || candidate.stopReason) continue;
    const auto rank = [](const Lane& lane) {
      return std::pair(!lane.engine.script.empty(), lane.text.size());
    };
    if (best < 0 || rank(candidate) > rank(lane(best))) best = index;
  }
  if (best < 0) return;
  for (Lane& member : m_lanes) {
    if (member.leader == leader) member.leader = best;
  }
}

/// Has a lane read what the lanes of its group have, as far as its cache holds.
void LaneSet::catchUp(int laneIndex) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  const Lane* furthest = &lane;
  for (const Lane& other : m_lanes) {
    if (other.leader == lane.leader && other.text.size() > furthest->text.size()) furthest = &other;
  }
  lane.text = furthest->text;
  lane.promptLength = furthest->promptLength;
  lane.cutText(contextLimit(*lane.engine.decoder));
  const int length = static_cast<int>(lane.text.size());
  if (lane.fed() != length) lane.choice = -1;
  lane.steppedFrom = std::max(lane.promptLength, length - kSteppedTokens);
}

/// Prompts of lanes that have no text: in a group the first that can be given one shares it with the others.
void LaneSet::beginFresh(const PromptOf& promptOf) {
  const auto begin = [&](int index, const auto& textFor) {
    Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    guarded(index, [&] {
      std::vector<int> text = textFor();
      if (lane.engine.script.empty()) model::checkText(*lane.engine.decoder, text);
      lane.text = std::move(text);
      lane.promptLength = static_cast<int>(lane.text.size());
      lane.steppedFrom = lane.promptLength;
    });
  };
  const auto waits = [&](int index) { return lane(index).text.empty() && !lane(index).stopReason; };
  for (int leader = 0; leader < laneCount(); ++leader) {
    // A trace's prompt is its own; else the group's first lane that takes one.
    int giver = lane(leader).leader == leader && waits(leader) ? leader : -1;
    while (giver >= 0) {
      begin(giver, [&] { return promptOf(giver); });
      if (!lane(giver).stopReason) break;
      int next = 0;
      while (next < laneCount() && (lane(next).leader != leader || !waits(next))) ++next;
      giver = next < laneCount() ? next : -1;
    }
    for (int follower = 0; giver >= 0 && follower < laneCount(); ++follower) {
      if (lane(follower).leader != leader) continue;
      if (waits(follower)) begin(follower, [&] { return lane(giver).text; });
    }
    if (lane(leader).leader == leader && lane(leader).stopReason) chooseLeader(leader);
  }
}

Apart LaneSet::apart(int laneIndex) const {
  if (m_options.feed == TokenFeed::FreeRun) return Apart::No;
  const int leader = lane(laneIndex).leader;
  const auto sharesLeader = [&](const Lane& other) { return other.leader == leader; };
  if (laneCount() == 1 || std::ranges::count_if(m_lanes, sharesLeader) > 1) return Apart::No;
  for (int other = 0; other < laneCount(); ++other) {
    if (other != laneIndex && sameVocabulary(lane(other).engine, lane(laneIndex).engine)) return Apart::Text;
  }
  return Apart::Vocabulary;
}

bool LaneSet::filling() const {
  return std::ranges::any_of(m_lanes, &Lane::filling);
}

Filling LaneSet::fillingState() const {
  Filling state;
  int least = std::numeric_limits<int>::max();
  for (const Lane& lane : m_lanes) {
    if (lane.stopReason) continue;
    const int length = static_cast<int>(lane.text.size());
    state.done += lane.fed();
    state.total += length;
    state.length = std::max(state.length, length);
    if (lane.filling()) least = std::min(least, lane.fed());
  }
  state.reached = std::min(least, state.length);
  return state;
}

void LaneSet::fillBlock() {
  int behind = -1;
  for (int index = 0; index < laneCount(); ++index) {
    if (lane(index).filling() && (behind < 0 || lane(index).fed() < lane(behind).fed())) behind = index;
  }
  if (behind >= 0) runBlock(behind);
}

void LaneSet::runBlock(int laneIndex) {
  const Lane& lane = this->lane(laneIndex);
  const int position = lane.fed();
  const bool isStepped = position >= lane.steppedFrom;
  const int left = std::min(lane.steppedFrom, static_cast<int>(lane.text.size())) - position;
  const int count = isStepped ? 1 : std::min(left, lane.engine.decoder->blockTokens());
  const Block block = m_block(laneIndex, position, count);
  assert(block.tokens >= 1 && block.tokens <= count);
  run(laneIndex,
      std::span(lane.text).subspan(static_cast<std::size_t>(position),
                                   static_cast<std::size_t>(block.tokens)),
      block.request, isStepped ? StepKind::CatchingUp : StepKind::Filling);
}

void LaneSet::cutFilling() {
  int furthest = 0;
  for (const Lane& lane : m_lanes) furthest = std::max(furthest, lane.fed() + (lane.filling() ? 1 : 0));
  for (Lane& lane : m_lanes) {
    if (lane.filling()) lane.cutText(furthest);
  }
}

std::optional<StopReason> LaneSet::reasonToStop(const Lane& lane, int token) const {
  const std::vector<int>& script = lane.engine.script;
  if (!script.empty() && lane.fed() >= std::ssize(script)) return StopReason::RecordEnd;
  if (std::ssize(lane.continuation()) >= m_options.maxTokens) return StopReason::TokenLimit;
  const bool mayEnd = m_options.whenTextEnds == WhenTextEnds::Stop && lane.engine.tokenizer();
  if (mayEnd && lane.engine.tokenizer()->endsText(token)) return StopReason::EndToken;
  if (lane.fed() >= contextLimit(*lane.engine.decoder)) return StopReason::ContextFull;
  return std::nullopt;
}

void LaneSet::settle() {
  if (filling()) return;
  std::optional<StopReason> first;
  for (int index = 0; index < laneCount(); ++index) {
    if (lane(index).stopReason) continue;
    const auto reason = reasonToStop(lane(index), lane(lane(index).leader).choice);
    if (!reason) continue;
    stop(index, *reason);
    if (!first) first = reason;
  }
  if (!first) return;
  const bool lockstep = m_options.feed == TokenFeed::Lockstep;
  if (lockstep && m_options.whenOneStops == WhenOneStops::AllStop) {
    stopAll(*first);
    return;
  }
  handOverLead();
}

/// Where a leader has stopped, another lane of its group leads, unless the text itself has ended: then it has
/// for all of them.
void LaneSet::handOverLead() {
  for (int index = 0; index < laneCount(); ++index) {
    const std::optional<StopReason>& reason = lane(index).stopReason;
    const bool cannot = reason == StopReason::ContextFull || reason == StopReason::Failed;
    if (lane(index).leader == index && cannot) chooseLeader(index);
  }
}

void LaneSet::step() {
  if (filling()) return;
  settle();
  std::vector<int> tokens;
  for (const Lane& lane : m_lanes) tokens.push_back(this->lane(lane.leader).choice);
  // Decided before anyone moves: a leader that fails in this very step has made its choice.
  std::vector<bool> goesOn;
  for (const Lane& lane : m_lanes) goesOn.push_back(!lane.stopReason && !this->lane(lane.leader).stopReason);
  // Lanes take turns at going first: what is done between steps, as drawing a window, disturbs the one that
  // does.
  const int first = laneCount() > 0 ? m_stepCount++ % laneCount() : 0;
  for (int turn = 0; turn < laneCount(); ++turn) {
    const int index = (first + turn) % laneCount();
    Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    if (!goesOn[static_cast<std::size_t>(index)] || lane.stopReason) continue;
    const int token = tokens[static_cast<std::size_t>(index)];
    lane.text.push_back(token);
    run(index, std::span(&token, 1), m_block(index, lane.fed(), 1).request, StepKind::InTurn);
    lane.cutText(lane.fed());  // a choice that was not fed is no part of it
  }
  handOverLead();
}

bool LaneSet::finished() const {
  if (filling()) return false;
  return std::ranges::all_of(
      m_lanes, [&](const Lane& lane) { return lane.stopReason || this->lane(lane.leader).stopReason; });
}

void LaneSet::feed(int laneIndex, std::span<const int> tokens) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  assert(!lane.filling());
  lane.text.insert(lane.text.end(), tokens.begin(), tokens.end());
  lane.steppedFrom = tokens.size() == 1 ? lane.fed() : static_cast<int>(lane.text.size());
  while (lane.filling()) runBlock(laneIndex);
}

void LaneSet::rewind(int laneIndex, int positions) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  lane.engine.decoder->truncate(positions);
  lane.text.resize(static_cast<std::size_t>(lane.fed()));
  lane.cutText(lane.fed());
  lane.takeUpAnew();
}

void LaneSet::run(int laneIndex, std::span<const int> tokens, const model::StepRequest& request,
                  StepKind kind) {
  const bool isFilling = kind == StepKind::Filling;
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  int told = lane.fed();  // positions whose record is out
  const auto act = [&] {
    model::RankedToken fed;
    if (!isFilling && lane.choice >= 0) {
      fed = tokens.front() == lane.choice ? lane.chosen
                                          : model::rankOf(lane.engine.decoder->logits(), tokens.front());
    }
    std::vector<model::StepRecord> records = lane.engine.decoder->runTokens(tokens, request);
    const bool chooses = !isFilling || lane.fed() == std::ssize(lane.text) || lane.fed() == lane.steppedFrom;
    if (chooses) choose(lane);
    for (std::size_t index = 0; index < records.size() && m_events.stepDone; ++index) {
      const bool isLast = index + 1 == records.size() && chooses;
      told += static_cast<int>(std::ssize(records[index].tokens));
      m_events.stepDone({.lane = laneIndex,
                         .record = std::move(records[index]),
                         .choice = isLast ? lane.choice : -1,
                         .chosen = isLast ? lane.chosen : model::RankedToken{},
                         .fed = fed,
                         .isFilling = isFilling,
                         .isCatchingUp = kind == StepKind::CatchingUp,
                         .promptLength = lane.promptLength});
    }
  };
  guarded(laneIndex, [&] {
    try {
      act();
    } catch (...) {
      // Of a block that fails halfway nobody has the records: it is fed again as a whole.
      lane.engine.decoder->truncate(told);
      throw;
    }
  });
}

/// The choice at a position is made with the same dice however the lane came there.
void LaneSet::choose(Lane& lane) {
  const int choicesBefore = std::max(0, lane.fed() - lane.promptLength);
  if (lane.sampler.choiceCount() != choicesBefore) {
    lane.sampler.reset();
    lane.sampler.skip(choicesBefore);
  }
  lane.choice = lane.sampler.pick(lane.engine.decoder->logits());
  lane.chosen = model::rankOf(lane.engine.decoder->logits(), lane.choice);
}

void LaneSet::stop(int laneIndex, StopReason reason) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  // What was not fed is no part of the text, unless it may be yet.
  const bool mayGoOn = reason == StopReason::Failed || reason == StopReason::DeviceLost;
  if (!mayGoOn && lane.filling()) lane.cutText(lane.fed());
  lane.stopReason = reason;
  if (m_events.laneStopped) m_events.laneStopped(laneIndex);
}

void LaneSet::stopAll(StopReason reason) {
  for (int index = 0; index < laneCount(); ++index) {
    if (!lane(index).stopReason) stop(index, reason);
  }
}

template <typename Act>
void LaneSet::guarded(int laneIndex, const Act& act) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  const auto failed = [&](StopReason reason) {
    lane.error = std::current_exception();
    stop(laneIndex, reason);
  };
  try {
    act();
  } catch (const model::DeviceLost&) {
    failed(StopReason::DeviceLost);
    stopAll(StopReason::DeviceLost);
  } catch (const std::exception&) {
    failed(StopReason::Failed);
    if (m_options.whenOneStops == WhenOneStops::AllStop) stopAll(StopReason::Failed);
  }
}

}  // namespace headroom::lanes
