#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace headroom::model {

/// Something in the world (a file, a device, memory, an argument) is not as needed. what() is one sentence a
/// user can act on, with the expected and the actual value in it.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence) : std::runtime_error(sentence) {}
};

/// The user does not want it any more.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// What is there does not do beside what is in use; with less in use it would.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

/// The device is gone with everything on it: its decoders can do nothing more, a new device can.
class DeviceLost : public Error {
 public:
  using Error::Error;
};

/// What an exception says to a user; of std::bad_alloc that memory ran out. Empty without one.
std::string sentenceOf(const std::exception_ptr& error);

}  // namespace headroom::model
