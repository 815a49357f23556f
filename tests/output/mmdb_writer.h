// Writes MaxMind DB files for tests and benchmarks: MaxMind DB file format 2.0, from its public
// specification.
//
// Files are small ones that a test spells out, or synthetic ones of real size, so that no vendor's
// data is needed. Records are JSON: objects become maps, strings UTF-8 strings, numbers uint32. The
// code is written for clarity: a million networks take a second.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "targets/address.h"

namespace echoscan {

class MmdbWriter {
 public:
  // `record_bits` of a node: 24, 28 or 32. With ip_version 6, networks go below ::/96.
  explicit MmdbWriter(std::string kind, unsigned ip_version = 6, unsigned record_bits = 28);

  // A network may lie inside an earlier one, and wins there; the wider one has to come first.
  void add(Ipv4 first, unsigned prefix_bits, const nlohmann::json& record);

  [[nodiscard]] std::string bytes() const;
  void write(const std::string& path) const;

 private:
  static constexpr std::int64_t kEmpty = -1;
  // A child: a node's number, kEmpty, or a record as -2 - its offset.
  using Node = std::array<std::int64_t, 2>;

  std::uint64_t record_value(std::int64_t child) const;

  std::string kind_;
  unsigned ip_version_;
  unsigned record_bits_;
  std::vector<Node> nodes_{Node{kEmpty, kEmpty}};
  std::string data_;
  std::map<std::string, std::int64_t> offsets_;
};

// A database of real size: about `networks` prefixes of /12 to /24 over the unicast space, with
// country and city, or with ASN and organisation.
enum class SyntheticKind { country, asn };
MmdbWriter synthetic_mmdb(SyntheticKind kind, std::uint32_t networks, std::uint64_t seed);

}  // namespace echoscan
