// An error that the user can do something about: a full sentence, and the process's exit code.
//
// Set-up throws this (or std::system_error, which main reports as environment); main catches once.
// The data plane never throws: it returns counts and bumps counters. Exit codes are part of the
// command line's contract (README); 1 has `ping` alone, as fping, since shells and sanitizers use
// it for everything.
#pragma once

#include <stdexcept>
#include <string>

namespace echoscan {

enum class ExitCode : int {
  finished = 0,
  unanswered = 1,   // a target of a ping, or with --fail-if-silent nobody
  bad_usage = 2,    // options or lists
  environment = 3,  // permission, interface, gateway, someone else's XDP program
  output = 4,       // results could not be written
  hit_rate = 5,     // fewer targets replied than --min-hit-rate asks for
  shards = 5,       // what is merged is not one scan, or not all of it
  damaged = 6,      // a bundle is not what it says
  later = 75,       // EX_TEMPFAIL: what stands in the way passes by itself, and was waited for
  // 128 + the signal that ended it, as a shell says; others likewise.
  interrupted = 130,
  terminated = 143,
};

class UserError : public std::runtime_error {
 public:
  UserError(ExitCode code, const std::string& sentence)
      : std::runtime_error(sentence), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace echoscan
