#pragma once

#include <string_view>

namespace headroom::cli {

/// How far a command is, on one line of the terminal that each text takes the place of; nothing where
/// standard error is no terminal. The line is empty again when it goes.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { show({}); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(std::string_view text) const;

 private:
  bool m_onTerminal;
};

}  // namespace headroom::cli
