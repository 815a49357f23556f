#include "output/aggregate/aggregate.h"

#include <simdjson.h>

#include <array>
#include <cmath>
#include <optional>

#include "output/aggregate/line_source.h"
#include "output/result/result_field.h"

namespace echoscan {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(LineSource::kPaddingBytes >= simdjson::SIMDJSON_PADDING);

constexpr std::array<std::string_view, kGroupings> kNames = {"slash8",  "slash16", "slash24",
                                                             "country", "asn",     "label"};
constexpr double kMicrosecondNs = 1000;
constexpr double kCountedRttUsMax = 1e12;

}  // namespace

std::string_view name_of(Grouping grouping) {
  return kNames[static_cast<std::size_t>(grouping)];
}

std::string group_name(Grouping grouping, std::uint32_t number) {
  switch (grouping) {
    case Grouping::slash8:
      return to_string(Ipv4{number}) + "/8";
    case Grouping::slash16:
      return to_string(Ipv4{number}) + "/16";
    case Grouping::slash24:
      return to_string(Ipv4{number}) + "/24";
    default:
      return std::to_string(number);
  }
}

// The fields of a line that are counted.
struct Aggregate::Line {
  std::optional<Ipv4> target;
  bool is_error = false;
  bool is_repeat = false;
  bool is_later = false;
  std::optional<std::uint64_t> rtt_ns;
  std::uint32_t asn = 0;
  std::string_view country;
  std::string_view as_org;
  std::string_view label;
};

class Aggregate::Parser {
 public:
  // False when the line is malformed.
  bool parse(std::string_view text, Line& line) {
    try {
      ondemand::document document =
          parser_.iterate(text.data(), text.size(), text.size() + LineSource::kPaddingBytes);
      for (ondemand::field field : document.get_object())
        if (!take(field, line)) return false;
      return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    } catch (const simdjson::simdjson_error&) {
      return false;
    }
  }

 private:
  // Other fields are skipped unread. One of --fields that is unknown is null, and as good as
  // absent.
  static bool take(ondemand::field& field, Line& line) {
    const ondemand::raw_json_string key = field.key();
    ondemand::value& value = field.value();
    if (value.is_null()) return true;
    if (key == "target") {
      line.target = parse_ipv4(std::string_view(value.get_string()));
      return line.target.has_value();
    }
    if (key == "rtt_us") {
      const double rtt_us = value.get_double();
      if (!(rtt_us >= 0 && rtt_us < kCountedRttUsMax)) return false;
      line.rtt_ns = static_cast<std::uint64_t>(std::llround(rtt_us * kMicrosecondNs));
    } else if (key == "success") {
      line.is_error = line.is_error || !bool(value.get_bool());
    } else if (key == "repeat") {
      line.is_repeat = value.get_bool();
    } else if (key == "pass") {
      line.is_later = value.get_uint64() > std::uint64_t{0};
    } else if (key == "asn") {
      const std::uint64_t asn = value.get_uint64();
      line.asn = static_cast<std::uint32_t>(asn);
      return asn <= ~std::uint32_t{0};
    } else if (key == "country") {
      line.country = value.get_string();
    } else if (key == "as_org") {
      line.as_org = value.get_string();
    } else if (key == "label") {
      line.label = value.get_string();
    } else if (key == "type") {
      line.is_error = line.is_error || std::string_view(value.get_string()) == "error";
    } else if (key == "classification") {
      const std::string_view name = value.get_string();
      line.is_error = line.is_error || name != name_of(Classification::echoreply);
    }
    return true;
  }

  ondemand::parser parser_;
};

Aggregate::Aggregate(std::vector<Grouping> groupings)
    : groupings_(std::move(groupings)), parser_(std::make_unique<Parser>()) {}

Aggregate::~Aggregate() = default;

bool Aggregate::add_line(std::string_view text) {
  Line line;
  if (!parser_->parse(text, line)) return false;
  if (line.target) {
    add(line);
  } else {
    ++other_lines_;
  }
  return true;
}

void Aggregate::add(const Line& line) {
  const auto count = [&line](Group& group) {
    if (line.is_repeat) {
      ++group.repeats;
      return;
    }
    ++(line.is_error ? group.errors : group.replies);
    if (line.is_later && !line.is_error) ++group.later;
    if (line.rtt_ns && !line.is_error) group.rtt.add(*line.rtt_ns);
  };
  const auto count_number = [&](Grouping grouping, std::uint32_t number) {
    count(by_number_[static_cast<std::size_t>(grouping)][number]);
  };
  const auto count_name = [&](Grouping grouping, std::string_view name) {
    if (name.empty()) return;
    name_ = name;
    count(by_name_[static_cast<std::size_t>(grouping)][name_]);
  };
  count(total_);
  if (line.rtt_ns && !line.is_error && !line.is_repeat) rtt_.add(*line.rtt_ns);
  for (const Grouping grouping : groupings_) {
    switch (grouping) {
      case Grouping::slash8:
        count_number(grouping, line.target->value & 0xff000000);
        break;
      case Grouping::slash16:
        count_number(grouping, line.target->value & 0xffff0000);
        break;
      case Grouping::slash24:
        count_number(grouping, line.target->value & 0xffffff00);
        break;
      case Grouping::asn:
        if (line.asn == 0) break;
        count_number(grouping, line.asn);
        if (!line.as_org.empty()) organisations_.try_emplace(line.asn, line.as_org);
        break;
      case Grouping::country:
        count_name(grouping, line.country);
        break;
      case Grouping::label:
        count_name(grouping, line.label);
        break;
    }
  }
}

const std::unordered_map<std::uint32_t, Aggregate::Group>& Aggregate::by_number(
    Grouping grouping) const {
  return by_number_[static_cast<std::size_t>(grouping)];
}

const std::unordered_map<std::string, Aggregate::Group>& Aggregate::by_name(
    Grouping grouping) const {
  return by_name_[static_cast<std::size_t>(grouping)];
}

std::string_view Aggregate::organisation(std::uint32_t asn) const {
  const auto known = organisations_.find(asn);
  return known == organisations_.end() ? std::string_view() : std::string_view(known->second);
}

}  // namespace echoscan
