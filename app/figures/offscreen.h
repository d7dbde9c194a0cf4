#pragma once

#include <array>
#include <memory>

class QGuiApplication;

namespace headroom::figures {

/// What painting text needs in a program without a window: Qt on its offscreen platform, which asks for no
/// display. One at a time, for as long as figures are painted.
class Offscreen {
 public:
  Offscreen();
  ~Offscreen();
  Offscreen(const Offscreen&) = delete;
  Offscreen& operator=(const Offscreen&) = delete;

 private:
  // As main() would give them; the application keeps pointing there.
  int m_argumentCount = 1;
  std::array<char, 9> m_name{"headroom"};
  std::array<char*, 2> m_arguments{m_name.data(), nullptr};
  std::unique_ptr<QGuiApplication> m_application;
};

}  // namespace headroom::figures
