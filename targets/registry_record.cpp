#include "targets/registry_record.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "targets/ipv6_prefix.h"

namespace echoscan {
namespace {

constexpr std::string_view kRegistryDigits = "0123456789";
constexpr std::size_t kRecordFieldsMin = 5;
constexpr std::size_t kVersionFieldsMin = 6;
constexpr std::size_t kRegistryBytesMax = 32;
constexpr std::size_t kRegistriesMax =
    100;  // there are six; an endless list of them takes no memory

// A record's fields; those behind the status are the registry's own affair.
struct RegistryFields {
  std::string_view registry;
  std::string_view country;
  std::string_view type;
  std::string_view start;
  std::string_view value;
  std::string_view date;
  std::string_view status;
  std::size_t count = 0;
};

RegistryFields split_registry_fields(std::string_view line) {
  RegistryFields fields;
  std::string_view rest = trimmed(line);
  const std::array places = {&fields.registry, &fields.country, &fields.type,  &fields.start,
                             &fields.value,    &fields.date,    &fields.status};
  while (true) {
    const std::size_t bar = rest.find('|');
    if (fields.count < places.size()) *places[fields.count] = trimmed(rest.substr(0, bar));
    ++fields.count;
    if (bar == std::string_view::npos) return fields;
    rest.remove_prefix(bar + 1);
  }
}

bool is_registry_name(std::string_view text) {
  return !text.empty() && text.size() <= kRegistryBytesMax &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

// 2|ripencc|20260101|145678|19830705|20260101|+0100
bool is_version_line(const RegistryFields& fields) {
  return fields.count >= kVersionFieldsMin && !fields.registry.empty() &&
         fields.registry.find_first_not_of("0123456789.") == std::string_view::npos &&
         is_registry_name(fields.country) && !fields.type.empty() &&
         fields.type.find_first_not_of(kRegistryDigits) == std::string_view::npos;
}

bool is_record(const RegistryFields& fields) {
  return fields.count >= kRecordFieldsMin && is_registry_name(fields.registry) &&
         (fields.type == "ipv4" || fields.type == "ipv6" || fields.type == "asn");
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(count)
                                                                  : std::nullopt;
}

class RegistryRecords : public LineFormat {
 public:
  void read(std::string_view line, const ListPlace& place, TargetList& list) override {
    const RegistryFields fields = split_registry_fields(line);
    if (is_version_line(fields)) return;
    if (!is_record(fields)) {
      list.add_error(place, line, "it is no registry's record: registry|country|type|start|value");
    } else if (counts_.size() >= kRegistriesMax &&
               counts_.find(std::string(fields.registry)) == counts_.end()) {
      list.add_error(place, line, "it is of one registry more than there are");
    } else if (fields.start == "*") {
      read_summary(line, fields, place, list);
    } else if (fields.type == "ipv4") {
      ++counts_[std::string(fields.registry)].records;
      read_ipv4(line, fields, place, list);
    } else if (fields.type == "ipv6" && is_ipv6_target(fields.start)) {
      ++list.ipv6_count;
    } else if (fields.type == "ipv6") {
      list.add_error(place, line, "its start is not an IPv6 address");
    }
    // What is left are numbers of autonomous systems, which are no addresses.
  }

  void finish(std::string_view name, TargetList& list) override {
    for (const auto& [registry, counts] : counts_)
      if (counts.promised && *counts.promised != counts.records)
        list.add_error({name}, registry,
                       "its summary says " + std::to_string(*counts.promised) +
                           " ipv4 records, and there are " + std::to_string(counts.records) +
                           ": the file was cut; where records were left out on purpose, leave out "
                           "the line that ends in |summary, too");
  }

 private:
  struct Counts {
    std::uint64_t records = 0;
    std::optional<std::uint64_t> promised;  // by summary lines
  };

  void read_summary(std::string_view line, const RegistryFields& fields, const ListPlace& place,
                    TargetList& list) {
    if (fields.type != "ipv4") return;
    const std::optional<std::uint64_t> count = parse_count(fields.value);
    if (!count) return list.add_error(place, line, "the summary has no number of records");
    std::optional<std::uint64_t>& promised = counts_[std::string(fields.registry)].promised;
    promised = promised.value_or(0) + *count;
  }

  void read_ipv4(std::string_view line, const RegistryFields& fields, const ListPlace& place,
                 TargetList& list) {
    const std::optional<Ipv4> first = parse_ipv4(fields.start);
    const std::optional<std::uint64_t> count = parse_count(fields.value);
    if (!first) return list.add_error(place, line, "its start is not an IPv4 address");
    if (!count || *count == 0 || *count > (std::uint64_t{1} << 32) - first->value)
      return list.add_error(place, line,
                            "its value is not a number of addresses from its start on");
    label_ = fields.registry;
    for (const std::string_view part : {fields.country, fields.status})
      if (!part.empty()) label_.append("/").append(part);
    const AddressRange range{*first, Ipv4{static_cast<std::uint32_t>(first->value + *count - 1)}};
    list.add(std::array{range}, label_, place);
  }

  std::map<std::string, Counts> counts_;  // by registry
  std::string label_;                     // of the last record; kept for its memory
};

}  // namespace

std::unique_ptr<LineFormat> recognise_registry(std::string_view line) {
  const RegistryFields fields = split_registry_fields(line);
  if (!is_version_line(fields) && !is_record(fields)) return nullptr;
  return std::make_unique<RegistryRecords>();
}

}  // namespace echoscan
