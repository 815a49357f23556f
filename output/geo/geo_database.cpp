#include "output/geo/geo_database.h"

#include <fmt/format.h>
#include <maxminddb.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "output/result/result_field.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr unsigned kIpv4Bits = 32;
constexpr unsigned kIpv4DepthInIpv6 = 96;
constexpr std::size_t kCountryCodeBytes = 2;

using Path = std::array<const char*, 4>;  // ends in null

// At most kTextBytesMax bytes of a text, without line ends or other ASCII control characters.
std::string clean_text(std::string_view text) {
  std::string clean(utf8_prefix(text, kTextBytesMax));
  for (char& character : clean)
    if (static_cast<unsigned char>(character) < ' ' || character == '\x7f') character = ' ';
  return clean;
}

}  // namespace

// The file while it is open.
class GeoDatabase::Reader {
 public:
  Reader(GeoDatabase& database, const std::string& path) : database_(database), path_(path) {}
  ~Reader() {
    if (is_open_) MMDB_close(&mmdb_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  tl::expected<void, std::string> read() {
    const int status = MMDB_open(path_.c_str(), MMDB_MODE_MMAP, &mmdb_);
    if (status == MMDB_FILE_OPEN_ERROR)
      return tl::make_unexpected(fmt::format("cannot read '{}': {}", path_, std::strerror(errno)));
    if (status != MMDB_SUCCESS)
      return tl::make_unexpected(fmt::format("'{}' is not a MaxMind DB file, or is cut: {}", path_,
                                             MMDB_strerror(status)));
    is_open_ = true;
    database_.kind_ = clean_text(mmdb_.metadata.database_type);
    database_.records_.emplace_back();
    walk_ipv4();
    if (!damage_.empty())
      return tl::make_unexpected(fmt::format("'{}' is damaged: {}", path_, damage_));
    if (!knows_something_)
      return tl::make_unexpected(
          fmt::format("'{}' has neither country, city nor ASN of IPv4 addresses; its kind is {}",
                      path_, database_.kind_));
    return {};
  }

 private:
  void note_damage(int status) {
    if (damage_.empty()) damage_ = MMDB_strerror(status);
  }

  // Finds the IPv4 addresses in the tree: in one of IPv6 addresses they are ::/96.
  void walk_ipv4() {
    MMDB_search_node_s node{};
    std::uint64_t record = 0;
    std::uint8_t type = MMDB_RECORD_TYPE_SEARCH_NODE;
    const unsigned bits = mmdb_.metadata.ip_version == 6 ? kIpv4DepthInIpv6 : 0;
    for (unsigned i = 0; i < bits && type == MMDB_RECORD_TYPE_SEARCH_NODE; ++i) {
      const int status = MMDB_read_node(&mmdb_, static_cast<std::uint32_t>(record), &node);
      if (status != MMDB_SUCCESS) return note_damage(status);
      record = node.left_record;
      type = node.left_record_type;
    }
    walk(record, type, node.left_record_entry, 0, 0);
  }

  // Walks what is below a record of a node, the network first/depth.
  void walk(std::uint64_t record, std::uint8_t type, MMDB_entry_s entry, std::uint32_t first,
            unsigned depth) {
    if (!damage_.empty()) return;
    if (type == MMDB_RECORD_TYPE_EMPTY) {
      database_.networks_.push_back({Ipv4{first}, 0});
    } else if (type == MMDB_RECORD_TYPE_DATA) {
      database_.networks_.push_back({Ipv4{first}, record_at(entry)});
    } else if (type != MMDB_RECORD_TYPE_SEARCH_NODE || depth == kIpv4Bits ||
               ++nodes_visited_ > mmdb_.metadata.node_count) {
      note_damage(MMDB_CORRUPT_SEARCH_TREE_ERROR);
    } else {
      MMDB_search_node_s node;
      const int status = MMDB_read_node(&mmdb_, static_cast<std::uint32_t>(record), &node);
      if (status != MMDB_SUCCESS) return note_damage(status);
      walk(node.left_record, node.left_record_type, node.left_record_entry, first, depth + 1);
      walk(node.right_record, node.right_record_type, node.right_record_entry,
           first | 1U << (kIpv4Bits - 1 - depth), depth + 1);
    }
  }

  // Networks share records; each is decoded once.
  std::uint32_t record_at(MMDB_entry_s entry) {
    const auto [known, is_new] = records_.try_emplace(entry.offset, 0);
    if (!is_new) return known->second;
    Record record;
    record.country = country(entry);
    record.city = first_text(entry, {{{"city", "names", "en"}, {"city"}}});
    record.asn = asn(entry);
    record.as_org = first_text(entry, {{{"autonomous_system_organization"},
                                        {"as_name"},
                                        {"as_org"},
                                        {"traits", "autonomous_system_organization"}}});
    if (record.country.empty() && record.city.empty() && record.as_org.empty() && record.asn == 0)
      return 0;
    knows_something_ = true;
    known->second = static_cast<std::uint32_t>(database_.records_.size());
    database_.records_.push_back(std::move(record));
    return known->second;
  }

  // False when the record has no such value.
  bool get(MMDB_entry_s entry, const Path& path, MMDB_entry_data_s& data) {
    const int status = MMDB_aget_value(&entry, &data, path.data());
    if (status == MMDB_SUCCESS) return data.has_data;
    if (status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) note_damage(status);
    return false;
  }

  std::string text_at(MMDB_entry_s entry, const Path& path) {
    MMDB_entry_data_s data{};
    if (!get(entry, path, data) || data.type != MMDB_DATA_TYPE_UTF8_STRING) return "";
    return clean_text({data.utf8_string, data.data_size});
  }

  std::string first_text(MMDB_entry_s entry, const std::vector<Path>& paths) {
    for (const Path& path : paths)
      if (std::string text = text_at(entry, path); !text.empty()) return text;
    return "";
  }

  // A flat "country" is the code in some databases and the name in others.
  std::string country(MMDB_entry_s entry) {
    std::string code = first_text(entry, {{{"country", "iso_code"}, {"country_code"}}});
    if (code.empty()) code = text_at(entry, {"country"});
    return code.size() == kCountryCodeBytes ? code : "";
  }

  // A number, or "AS64500".
  std::uint32_t asn(MMDB_entry_s entry) {
    const std::array<Path, 3> paths = {
        {{"autonomous_system_number"}, {"asn"}, {"traits", "autonomous_system_number"}}};
    for (const Path& path : paths) {
      MMDB_entry_data_s data{};
      if (!get(entry, path, data)) continue;
      if (data.type == MMDB_DATA_TYPE_UINT32) return data.uint32;
      if (data.type == MMDB_DATA_TYPE_UINT16) return data.uint16;
      if (data.type == MMDB_DATA_TYPE_UINT64) return static_cast<std::uint32_t>(data.uint64);
      if (data.type != MMDB_DATA_TYPE_UTF8_STRING) continue;
      std::string_view text(data.utf8_string, data.data_size);
      if (text.starts_with("AS")) text.remove_prefix(2);
      std::uint32_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return number;
    }
    return 0;
  }

  GeoDatabase& database_;
  const std::string& path_;
  MMDB_s mmdb_{};
  bool is_open_ = false;
  bool knows_something_ = false;
  std::string damage_;  // the first that was found
  std::uint64_t nodes_visited_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> records_;  // by offset in the file
};

tl::expected<GeoDatabase, std::string> GeoDatabase::load(const std::string& path) {
  GeoDatabase database;
  const tl::expected<void, std::string> read = Reader(database, path).read();
  if (!read) return tl::make_unexpected(read.error());
  return database;
}

}  // namespace echoscan
