// The pool of sources: the addresses that probes come from where there are several, and which one a
// target's come from.
//
// A keyed hash of the target says which, so that all passes, shards and legs of a scan ask a target
// from the same one, nobody remembers anything, and the same seed does it again. The seed is no
// secret, and need not be: what proves a reply is the probe's cookie, in which the source stands as
// well (bpf/probe.h). Rejected: one after the other, which depends on the order and on how many
// send; the target's low bits, by which a network's hosts would share their sources in a pattern.
// Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/prefix.h"

namespace echoscan {

class SourcePool {
 public:
  static constexpr std::size_t kSizeMax = 65'536;

  // Empty: there is no pool.
  SourcePool() = default;
  // Of an address, a range, a block, or a list of them with commas: "192.0.2.8/29,192.0.2.20". What
  // stands twice counts once. The error is a clause.
  static tl::expected<SourcePool, std::string> parse(std::string_view text);

  // Which source a target gets; before that it is that of the seed 0.
  void set_seed(std::uint64_t seed) { seed_ = seed; }

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return addresses_ ? addresses_->size() : 0; }
  // Ascending.
  [[nodiscard]] std::span<const Ipv4> addresses() const {
    return addresses_ ? std::span(*addresses_) : std::span<const Ipv4>();
  }
  [[nodiscard]] bool contains(Ipv4 address) const;
  // Of a pool that is not empty.
  [[nodiscard]] Ipv4 source_of(Ipv4 target) const;

  // Whether both have the same addresses.
  friend bool operator==(const SourcePool& a, const SourcePool& b);

 private:
  // Shared by copies: each frame template has one.
  std::shared_ptr<const std::vector<Ipv4>> addresses_;
  std::uint64_t seed_ = 0;
};

// Blocks and ranges, ascending: "192.0.2.8/29,192.0.2.20".
std::string to_string(const SourcePool& pool);
// `most` of the addresses or all, as far apart as can be, the first and the last among them.
std::vector<Ipv4> spread_sample(std::span<const Ipv4> addresses, std::size_t most);

}  // namespace echoscan
