// Whom a ping is to ask: addresses, blocks and ranges as in a scan's lists, and names of hosts.
//
// A name stands for all its IPv4 addresses, and stays beside each as its label. Each address is
// asked once, however often it was named. Names are looked up one after the other
// (network/host_lookup.h), since they are few. Rejected: a scan's lists of targets, which are
// ranges of millions, where a ping keeps a state for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "scanner/network/host_lookup.h"
#include "targets/prefix.h"

namespace echoscan {

struct PingTarget {
  Ipv4 address;
  std::string label;  // empty: none
};

class PingTargets {
 public:
  // More are a scan's: at the interval of a ping a /16 takes eleven minutes.
  static constexpr std::size_t kTargetsMax = 65536;

  explicit PingTargets(HostLookup look_up = look_up_hosts) : look_up_(std::move(look_up)) {}

  // Adds what is written in `text`, without those in `excluded` (sorted, disjoint). Throws
  // UserError for what is no target, and when there are too many.
  void add(const std::string& text, const std::vector<AddressRange>& excluded);
  // Adds each line of a file, "-" for standard input; `#` begins a comment. Throws UserError.
  void add_file(const std::string& path, const std::vector<AddressRange>& excluded);

  [[nodiscard]] const std::vector<PingTarget>& all() const { return targets_; }
  // The place in all() of an address; all().size() when it is not asked.
  [[nodiscard]] std::size_t find(Ipv4 address) const;
  // Sentences about the names that could not be resolved.
  [[nodiscard]] const std::vector<std::string>& unresolved() const { return unresolved_; }
  // How many addresses were left out since they are excluded.
  [[nodiscard]] std::uint64_t excluded_count() const { return excluded_count_; }

 private:
  void add(const AddressRange& range, const std::string& label,
           const std::vector<AddressRange>& excluded);
  void add_name(const std::string& name, const std::vector<AddressRange>& excluded);

  HostLookup look_up_;
  std::vector<PingTarget> targets_;
  std::unordered_map<std::uint32_t, std::size_t> places_;
  std::vector<std::string> unresolved_;
  std::uint64_t excluded_count_ = 0;
};

}  // namespace echoscan
