// What `echoscan doctor` found out, the problems in it, and how both are printed.
//
// Facts are kept apart from judgement: doctor.cpp gathers them from the machine, and a pure
// function judges them, so that tests can judge cards that nobody here owns. Each problem carries
// the command that fixes it. Text is for people and bug reports, JSON for scripts; its names are a
// contract (docs/drivers.md). Rejected: a score or a verdict by colour, which cannot be pasted into
// a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/network/interrupt_note.h"
#include "scanner/network/way_partition.h"
#include "scanner/network/xdp_occupant.h"
#include "scanner/process/kernel_version.h"

namespace echoscan {

// The outcome of trying something. Untried says neither yes nor no.
struct Trial {
  enum class Outcome { untried, works, refused };
  Outcome outcome = Outcome::untried;
  std::string reason = {};  // why not, or why untried: a clause
  int error = 0;            // the errno behind a refusal; 0: none
};

struct Capability {
  std::string name;
  bool is_held = false;
  std::string purpose;  // what does not work without it
};

struct Diagnosis {
  std::string kernel;            // release, as uname has it
  KernelVersion kernel_version;  // 0.0 when the release does not say
  unsigned cpus_allowed = 0;
  std::vector<Capability> capabilities;
  std::optional<std::uint64_t> locked_memory_bytes;  // the limit; nullopt: unlimited

  Interface interface;      // without a name: none was found
  unsigned queues_max = 0;  // as all below: 0 when the driver does not say
  unsigned rx_ring = 0, rx_ring_max = 0;
  unsigned tx_ring = 0, tx_ring_max = 0;
  bool has_lro = false;
  std::optional<std::uint64_t> pps_allowance_exceeded;  // frames that the cloud's limit held back
  std::optional<XdpOccupant> occupant;                  // an XDP program that is there already
  std::optional<InterruptNote::Content> held_back;      // interrupts, by a scan that was killed

  Trial xdp_native;
  Trial xdp_generic;
  Trial zero_copy;
  Trial copy;
  Trial live_frames;

  std::vector<WayShare> ways;  // of the targets that were asked about
  std::string source;          // empty: no IPv4 address
  std::string gateway;         // empty: probes of most targets go through none
  std::string gateway_mac;     // empty: it did not answer, or no frames are sent
  std::string refusal;         // why a scan would not begin, its own sentence; empty: it would
};

struct Problem {
  std::string what;  // a sentence
  std::string fix;   // a command, or what to do
  bool is_fatal = false;
};

// The problems in the order in which they are best dealt with.
std::vector<Problem> find_problems(const Diagnosis& diagnosis);

std::string diagnosis_text(const Diagnosis& diagnosis, const std::vector<Problem>& problems);
std::string diagnosis_json(const Diagnosis& diagnosis, const std::vector<Problem>& problems);

}  // namespace echoscan
