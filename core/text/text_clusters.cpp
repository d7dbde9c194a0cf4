#include "core/text/text_clusters.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>

#include "core/text/utf8.h"

namespace headroom::text {

namespace {

enum class Strength { LeftToRight, RightToLeft, Number, Neutral };

Strength strengthOf(char32_t codePoint) {
  switch (utf8proc_get_property(static_cast<utf8proc_int32_t>(codePoint))->bidi_class) {
    case UTF8PROC_BIDI_CLASS_L:
      return Strength::LeftToRight;
    case UTF8PROC_BIDI_CLASS_R:
    case UTF8PROC_BIDI_CLASS_AL:
    case UTF8PROC_BIDI_CLASS_AN:
      return Strength::RightToLeft;
    case UTF8PROC_BIDI_CLASS_EN:
      return Strength::Number;
    default:
      return Strength::Neutral;
  }
}

/// Splits bytes into characters, and those into clusters.
class ClusterReader {
 public:
  explicit ClusterReader(std::string_view bytes) : m_bytes(bytes) {}

  std::vector<TextCluster> read() {
    while (m_at < m_bytes.size()) {
      const Utf8Character character = firstCharacter(m_bytes.substr(m_at));
      const std::size_t end = m_at + character.length;
      const bool isControl = character.valid && character.codePoint < 0x20;
      if (!character.valid || isControl) {
        addAlone(character, end);
      } else if (joinsLast(character.codePoint)) {
        m_clusters.back().end = end;
        m_clusters.back().kind = TextCluster::Kind::Character;
        m_clusters.back().codePoint = 0;
      } else {
        addCharacter(character.codePoint, end);
      }
      m_at = end;
    }
    return std::move(m_clusters);
  }

 private:
  void addAlone(const Utf8Character& character, std::size_t end) {
    using Kind = TextCluster::Kind;
    const bool isTab = character.valid && character.codePoint == '\t';
    const bool isFeed = character.valid && character.codePoint == '\n';
    m_clusters.push_back({.first = m_at,
                          .end = end,
                          .kind = isTab    ? Kind::Space
                                  : isFeed ? Kind::LineFeed
                                           : Kind::Byte,
                          .codePoint = character.valid ? character.codePoint : 0});
    m_last = 0;
    m_state = 0;
  }
  void addCharacter(char32_t codePoint, std::size_t end) {
    const auto point = static_cast<utf8proc_int32_t>(codePoint);
    const bool isSpace = utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
    m_clusters.push_back({.first = m_at,
                          .end = end,
                          .kind = isSpace ? TextCluster::Kind::Space : TextCluster::Kind::Character,
                          .codePoint = codePoint,
                          .wide = utf8proc_charwidth(point) == 2});
    m_last = codePoint;
  }
  bool joinsLast(char32_t codePoint) {
    if (m_last == 0) return false;
    const bool breaks = utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(m_last),
                                                         static_cast<utf8proc_int32_t>(codePoint), &m_state);
    if (!breaks) m_last = codePoint;
    return !breaks;
  }

  std::string_view m_bytes;
  std::size_t m_at = 0;
  std::vector<TextCluster> m_clusters;
  char32_t m_last = 0;  // of the cluster that may go on; 0: none
  utf8proc_int32_t m_state = 0;
};

/// The code point that decides about a cluster's direction.
char32_t baseOf(std::string_view bytes, const TextCluster& cluster) {
  return firstCharacter(bytes.substr(cluster.first)).codePoint;
}

/// Finds the opening of each closing bracket (Unicode UAX #9, rule N0, for those of ASCII, each kind by
/// itself).
class BracketPairs {
 public:
  /// The cluster of the bracket that the cluster at `index` closes.
  std::optional<std::size_t> closedBy(const TextCluster& cluster, std::size_t index) {
    constexpr std::u32string_view kOpening = U"([{";
    constexpr std::u32string_view kClosing = U")]}";
    if (cluster.kind == TextCluster::Kind::LineFeed) m_open.clear();
    std::erase_if(m_open, [&](const Open& open) { return index - open.cluster > kFarthest; });
    if (kOpening.find(cluster.codePoint) != kNone) m_open.push_back({cluster.codePoint, index});
    const std::size_t kind = kClosing.find(cluster.codePoint);
    if (kind == kNone) return std::nullopt;
    const auto matching = std::ranges::find(m_open.rbegin(), m_open.rend(), kOpening[kind], &Open::bracket);
    if (matching == m_open.rend()) return std::nullopt;
    const std::size_t opening = matching->cluster;
    m_open.erase(matching.base() - 1);
    return opening;
  }
  /// Whether one that is open is right-to-left.
  bool areRightToLeft(const std::vector<TextCluster>& clusters) const {
    return std::ranges::any_of(m_open, [&](const Open& open) { return clusters[open.cluster].rightToLeft; });
  }

 private:
  struct Open {
    char32_t bracket = 0;
    std::size_t cluster = 0;
  };
  static constexpr std::size_t kNone = std::u32string_view::npos;
  /// Clusters between brackets that belong together, so that one that is never closed matters for a while
  /// only.
  static constexpr std::size_t kFarthest = 200;
  std::vector<Open> m_open;
};

}  // namespace

std::vector<TextCluster> textClusters(std::string_view bytes, bool followsRightToLeft) {
  std::vector<TextCluster> clusters = ClusterReader(bytes).read();
  // While `isOpen`, what stands from `openFrom` on is right-to-left if such a letter comes before another
  // one.
  bool isOpen = followsRightToLeft;
  std::size_t openFrom = 0;
  BracketPairs brackets;
  for (std::size_t index = 0; index < clusters.size(); ++index) {
    TextCluster& cluster = clusters[index];
    cluster.followsRightToLeft = isOpen;
    const bool isText =
        cluster.kind == TextCluster::Kind::Character || cluster.kind == TextCluster::Kind::Space;
    Strength strength = isText ? strengthOf(baseOf(bytes, cluster)) : Strength::LeftToRight;
    const std::optional<std::size_t> opening = brackets.closedBy(cluster, index);
    if (opening && isOpen && clusters[*opening].rightToLeft) strength = Strength::RightToLeft;
    if (strength == Strength::RightToLeft || (strength == Strength::Number && isOpen)) {
      for (std::size_t between = isOpen ? openFrom : index; between <= index; ++between) {
        clusters[between].rightToLeft = true;
      }
      isOpen = true;
      openFrom = index + 1;
    } else if (strength == Strength::LeftToRight) {
      isOpen = false;
    }
  }
  BracketPairs known;
  for (std::size_t index = 0; index < clusters.size(); ++index) {
    clusters[index].inRightToLeftBrackets = known.areRightToLeft(clusters);
    known.closedBy(clusters[index], index);
  }
  return clusters;
}

std::size_t firstUnsettled(const std::vector<TextCluster>& clusters) {
  const auto isCharacter = [](const TextCluster& cluster) {
    return cluster.kind == TextCluster::Kind::Character || cluster.kind == TextCluster::Kind::Space;
  };
  // Marks may still join the last character; bytes behind it may become some.
  std::size_t first = clusters.size();
  while (first > 0 && !isCharacter(clusters[first - 1])) --first;
  if (first > 0) --first;
  // What follows right-to-left letters without being one takes its side once the next letter comes.
  while (first > 0 && clusters[first].followsRightToLeft && !clusters[first].rightToLeft) --first;
  return first;
}

}  // namespace headroom::text
