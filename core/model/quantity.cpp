#include "core/model/quantity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace headroom::model {

namespace {

int decimalsFor(double value) {
  const double size = std::abs(value);
  if (size >= 99.95) return 0;
  return size >= 9.995 ? 1 : 2;
}

/// Puts commas between groups of three of the first `digits` characters of `text`, counted from their end.
void group(std::string& text, std::size_t digits) {
  for (int at = static_cast<int>(digits) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
}

}  // namespace

std::string groupDigits(std::uint64_t value) {
  std::string text = std::to_string(value);
  group(text, text.size());
  return text;
}

std::string groupDigits(std::int64_t value) {
  // Without a step over the smallest number, whose positive does not exist.
  const auto size = static_cast<std::uint64_t>(value);
  return value < 0 ? "-" + groupDigits(0 - size) : groupDigits(size);
}

std::string groupDigits(int value) {
  return groupDigits(std::int64_t{value});
}

std::string fixedText(double value, int decimals) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, std::abs(value));
  std::string text = buffer.data();
  group(text, std::min(text.find('.'), text.size()));
  if (value < 0.0) text.insert(text.begin(), '-');
  return text;
}

std::string shortText(double value) {
  return fixedText(value, decimalsFor(value));
}

std::string shareText(double share) {
  if (share == 0.0) return "0";
  constexpr double kSmallestFixed = 0.0009995;
  if (std::abs(share) >= kSmallestFixed) {
    const double digits = std::floor(std::log10(std::abs(share) * 1.0005));
    return fixedText(share, static_cast<int>(2.0 - std::min(digits, 2.0)));
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2e", share);
  std::string text = buffer.data();
  // "3.40e-05"
  if (const std::size_t zero = text.find("e-0"); zero != std::string::npos) text.erase(zero + 2, 1);
  return text;
}

ByteUnit byteUnitFor(double bytes) {
  constexpr std::array<const char*, 5> kNames{"B", "kB", "MB", "GB", "TB"};
  ByteUnit unit{.bytes = 1.0, .name = kNames.front()};
  for (std::size_t next = 1; next < kNames.size() && bytes / unit.bytes >= 999.5; ++next)
    unit = {.bytes = 1000.0 * unit.bytes, .name = kNames[next]};
  return unit;
}

std::string bytesText(double bytes) {
  const ByteUnit unit = byteUnitFor(bytes);
  const double amount = bytes / unit.bytes;
  return fixedText(amount, unit.bytes == 1.0 ? 0 : decimalsFor(amount)).append(" ").append(unit.name);
}

std::string exactBytesText(std::uint64_t bytes) {
  return std::to_string(bytes) + " bytes (" + bytesText(static_cast<double>(bytes)) + ")";
}

std::string countText(double count) {
  constexpr std::array<const char*, 4> kUnits{"", " k", " M", " B"};
  std::size_t unit = 0;
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1000.0;
    ++unit;
  }
  return fixedText(count, unit == 0 ? 0 : decimalsFor(count)) + kUnits[unit];
}

std::string ratioText(double ratio) {
  return fixedText(ratio, std::abs(ratio - std::round(ratio)) < 1e-9 ? 0 : 2);
}

std::string tokenRateText(double tokensPerSecond) {
  return fixedText(tokensPerSecond, tokensPerSecond < 99.95 ? 1 : 0);
}

std::string percentText(double share) {
  const double percent = 100.0 * share;
  return fixedText(percent, percent < 9.95 ? 1 : 0) + " %";
}

std::vector<std::string> percentTexts(std::span<const double> parts) {
  const double whole = std::accumulate(parts.begin(), parts.end(), 0.0);
  if (whole <= 0.0) return std::vector<std::string>(parts.size(), "0 %");
  double small = 0.0;
  std::vector<int> percents;
  std::vector<std::size_t> byRemainder;
  const auto percentOf = [&](std::size_t part) { return 100.0 * parts[part] / whole; };
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const double percent = percentOf(part);
    percents.push_back(static_cast<int>(percent));
    if (percent >= 1.0) {
      byRemainder.push_back(part);
    } else {
      small += percent;
    }
  }
  std::ranges::sort(byRemainder, std::ranges::greater(),
                    [&](std::size_t part) { return percentOf(part) - percents[part]; });
  // What rounding down left over goes to those that it took most from.
  const int shown = 100 - static_cast<int>(std::lround(small));
  int missing = shown - std::accumulate(percents.begin(), percents.end(), 0);
  for (const std::size_t part : byRemainder) {
    if (missing-- <= 0) break;
    ++percents[part];
  }
  std::vector<std::string> texts;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const bool isNearlyAll = percents[part] == 100 && small > 0.0;
    const bool isSmall = percents[part] == 0 && parts[part] > 0.0;
    texts.push_back(isNearlyAll ? "> 99 %" : isSmall ? "< 1 %" : std::to_string(percents[part]) + " %");
  }
  return texts;
}

std::string millisecondsText(double milliseconds) {
  return fixedText(milliseconds, milliseconds < 0.995 ? 3 : decimalsFor(milliseconds)) + " ms";
}

std::string timesText(double times) {
  return fixedText(times, times < 9.95 ? 2 : 1);
}

}  // namespace headroom::model
