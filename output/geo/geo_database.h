// One MaxMind-format database, read whole through libmaxminddb: its IPv4 networks and what it says
// of each.
//
// The kind is not guessed from the name: each record is asked for its fields in the forms that are
// in use, MaxMind's nested one (country.iso_code) and the flat ones (country_code, asn, as_name).
// The file is walked, every record decoded, and the file closed, so that damage anywhere is an
// error and a file that is truncated while a scan runs cannot end it by SIGBUS. The walk is bounded
// by the number of nodes that the file claims to have.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "targets/address.h"

namespace echoscan {

class GeoDatabase {
 public:
  struct Record {
    std::string country;
    std::string city;
    std::string as_org;
    std::uint32_t asn = 0;
  };
  // Reaches up to the first address of the next network.
  struct Network {
    Ipv4 first;
    std::uint32_t record = 0;  // index into records(); 0 where nothing is known
  };

  // An error when the file is missing, cut, damaged, or has none of the fields: a sentence without
  // a full stop that names it.
  static tl::expected<GeoDatabase, std::string> load(const std::string& path);

  // Ascending from 0.0.0.0 without gaps, as the file divides them.
  [[nodiscard]] const std::vector<Network>& networks() const { return networks_; }
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  // What the database calls itself: "GeoLite2-Country".
  [[nodiscard]] const std::string& kind() const { return kind_; }

 private:
  class Reader;

  GeoDatabase() = default;

  std::vector<Network> networks_;
  std::vector<Record> records_;
  std::string kind_;
};

}  // namespace echoscan
