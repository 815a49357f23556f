// Where addresses are: country, city, autonomous system, from MaxMind-format databases (--mmdb).
//
// A look-up through libmaxminddb walks up to 32 nodes and then decodes maps: 0.6 us and more for
// country and ASN. A permuted scan looks addresses up at random, so that a cache of recent networks
// would seldom hit. So each database is walked once, at load, into one sorted table of networks
// over all databases, with equal neighbours joined. A look-up then takes a slot by the address's
// top 16 bits and a short search behind it. 8 bytes a network, 16 a distinct record; docs/design.md
// has the figures. The walk reads every network, so that a damaged file is refused before the first
// probe. Immutable; any thread may read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "targets/address.h"

namespace echoscan {

struct GeoRecord {
  std::string_view country;  // empty: not known
  std::string_view city;
  std::string_view as_org;
  std::uint32_t asn = 0;
};

class GeoTable {
 public:
  // Addresses [first, the next network's first) have one record.
  struct Network {
    Ipv4 first;
    std::uint32_t record = 0;  // index into records_
  };

  // A table that knows nothing.
  GeoTable();

  // Adds what the database at `path` knows. Where an earlier one knows a field already, that stays.
  // The error is that of GeoDatabase::load; the table is then as it was.
  tl::expected<void, std::string> add_database(const std::string& path);

  // The views are valid as long as the table.
  [[nodiscard]] GeoRecord find(Ipv4 address) const;

  [[nodiscard]] bool is_empty() const { return records_.size() == 1; }
  // Ascending from 0.0.0.0, without gaps; record() gives what is known of each.
  [[nodiscard]] const std::vector<Network>& networks() const { return networks_; }
  [[nodiscard]] GeoRecord record(std::uint32_t index) const;
  [[nodiscard]] std::size_t record_count() const { return records_.size(); }
  // The kinds of the databases, as they call themselves: "GeoLite2-Country, GeoLite2-ASN".
  [[nodiscard]] const std::string& description() const { return description_; }

 private:
  // A text is an offset into texts_, where its length stands in the byte before it; 0 is the empty
  // text.
  struct Record {
    std::uint32_t country = 0;
    std::uint32_t city = 0;
    std::uint32_t as_org = 0;
    std::uint32_t asn = 0;
    friend bool operator==(const Record&, const Record&) = default;
  };
  struct RecordHash {
    std::size_t operator()(const Record& record) const;
  };

  std::uint32_t intern_text(std::string_view text);
  std::uint32_t intern_record(const Record& record);
  [[nodiscard]] std::string_view text(std::uint32_t offset) const {
    return {texts_.data() + offset + 1, static_cast<unsigned char>(texts_[offset])};
  }
  void index_networks();

  std::vector<Network> networks_;
  std::vector<std::uint32_t> network_of_slot_;  // by /16: the network of its first address
  std::vector<Record> records_;                 // 0: nothing known
  std::string texts_;
  std::string description_;
  std::unordered_map<std::string, std::uint32_t> text_offsets_;
  std::unordered_map<Record, std::uint32_t, RecordHash> record_indexes_;
};

}  // namespace echoscan
