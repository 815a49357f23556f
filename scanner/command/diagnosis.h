// What `echoscan doctor` found out, the problems in it, and how both are printed.
//
// Facts and judgement apart: gathering (doctor.cpp) touches the machine, judging is a pure function
// of what was gathered, so that a card nobody here owns can still be tested. Each problem carries
// the command that fixes it. Text is for people and bug reports, JSON for scripts; the names in it
// are a contract (docs/drivers.md). Rejected: a score or a verdict by colour, which cannot be
// pasted into a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/interface.h"

namespace echoscan {

// Something that was tried, or asked for. Untried is neither yes nor no.
struct Trial {
  enum class Outcome { untried, works, refused };
  Outcome outcome = Outcome::untried;
  std::string reason = {};  // why not, or why untried: a clause
  int error = 0;            // the errno behind a refusal; 0: none
};

struct Capability {
  std::string name;
  bool is_held = false;
  std::string purpose;  // what is missing without it
};

struct Diagnosis {
  std::string kernel;  // release, as uname has it
  unsigned kernel_major = 0;
  unsigned kernel_minor = 0;
  unsigned cpus_allowed = 0;
  std::vector<Capability> capabilities;
  std::optional<std::uint64_t> locked_memory_bytes;  // none: unlimited

  Interface interface;
  unsigned queues_max = 0;  // 0 where the driver does not say, here and below
  unsigned rx_ring = 0, rx_ring_max = 0;
  unsigned tx_ring = 0, tx_ring_max = 0;
  bool has_lro = false;
  std::optional<std::uint64_t> pps_allowance_exceeded;  // frames that the cloud's limit held back
  std::string foreign_program;                          // an XDP program that is there already

  Trial xdp_native;
  Trial xdp_generic;
  Trial zero_copy;
  Trial copy;
  Trial live_frames;

  std::string source;       // empty: no IPv4 address
  std::string gateway;      // empty: no route through one
  std::string gateway_mac;  // empty: it did not answer
};

struct Problem {
  std::string what;  // a sentence
  std::string fix;   // a command, or what to do
  bool is_fatal = false;
};

// In the order in which they are best dealt with.
std::vector<Problem> find_problems(const Diagnosis& diagnosis);

std::string diagnosis_text(const Diagnosis& diagnosis, const std::vector<Problem>& problems);
std::string diagnosis_json(const Diagnosis& diagnosis, const std::vector<Problem>& problems);

}  // namespace echoscan
