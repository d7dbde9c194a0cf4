#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headroom::model {

/// How numbers are written for people, everywhere.

/// "5,368,709,120", "-1,024".
std::string groupDigits(std::uint64_t value);
std::string groupDigits(std::int64_t value);
std::string groupDigits(int value);

/// Fixed number of decimals with thousands separators: "1,234.50".
std::string fixedText(double value, int decimals);

/// Three significant digits of a number of at least 0.01 and below 1,000: "2.67", "59.9"; whole from there
/// on, "1,234".
std::string shortText(double value);

/// Three significant digits of a share between 0 and 1: "0.900", "0.0123", "3.40e-5", "0".
std::string shareText(double share);

/// The decimal unit that a number of bytes is written in, and the bytes it has. 1 GB is 10^9 bytes, as in
/// GB/s.
struct ByteUnit {
  double bytes;
  const char* name;
};
ByteUnit byteUnitFor(double bytes);

/// In its unit with three significant digits: "950 B", "8.19 kB", "12.6 MB", "5.37 GB".
std::string bytesText(double bytes);
/// "8589934592 bytes (8.59 GB)".
std::string exactBytesText(std::uint64_t bytes);

/// "3.7 M", "412 k", "96": parameter counts.
std::string countText(double count);

/// "8", "2.67": a ratio of counts, whole where it is.
std::string ratioText(double ratio);

/// "416", "59.9": tokens per second, one decimal below 100.
std::string tokenRateText(double tokensPerSecond);

/// "8.2 %", "41 %": a share between 0 and 1, one decimal below 10 %.
std::string percentText(double share);

/// Shares of one whole, which whoever adds them up finds to be 100: whole percents, "< 1 %" for what is there
/// but less, "> 99 %" for all but such. `parts` are not negative.
std::vector<std::string> percentTexts(std::span<const double> parts);

/// "0.084 ms", "3.42 ms", "1,250 ms": three significant digits below 1,000.
std::string millisecondsText(double milliseconds);

/// How many times: two decimals, one from 10 on.
std::string timesText(double times);

}  // namespace headroom::model
