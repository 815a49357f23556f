#include "output/summary/summary.h"

#include <fmt/format.h>
#include <time.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "output/summary/figure_text.h"
#include "output/summary/paired_change.h"
#include "output/summary/share_interval.h"
#include "output/summary/summary_keys.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

// Fewer answers of a control group say nothing of a rate.
constexpr std::uint64_t kControlAnswersMin = 30;

class KeyWriter {
 public:
  template <typename T>
  void operator()(const char* key, const T& value) {
    json_[key] = json_of(value);
  }
  // Writes a value that follows from others; the reader ignores it.
  void follows(const char* key, bool value) { json_[key] = value; }
  void is(const char* key, const char* text) { json_[key] = text; }

  template <typename T>
  static Json json_of(const T& part) {
    if constexpr (std::is_constructible_v<Json, T> && !std::is_aggregate_v<T>) {
      return part;
    } else {
      KeyWriter keys;
      describe(keys, part);
      return std::move(keys.json_);
    }
  }

 private:
  template <typename T>
  static Json json_of(const std::vector<T>& elements) {
    Json json = Json::array();
    for (const T& element : elements) json.push_back(json_of(element));
    return json;
  }
  template <typename T>
  static Json json_of(const std::optional<T>& value) {
    return value ? json_of(*value) : Json(nullptr);
  }
  template <typename T>
  static Json json_of(const Nanoseconds<T>& value) {
    return static_cast<double>(value.ns) / 1e3;
  }
  template <typename T>
  static Json json_of(const UnixTime<T>& time) {
    return time_text(time.ms);
  }
  template <typename T>
  static Json json_of(const NullIfEmpty<T>& value) {
    return value.text.empty() ? Json(nullptr) : Json(value.text);
  }
  template <typename T>
  static Json json_of(const ObjectText<T>& value) {
    const Json object = Json::parse(value.text, nullptr, false);
    return object.is_object() ? object : Json(nullptr);
  }
  template <typename T>
  static Json json_of(const MaxIfZero<T>& rate) {
    if (rate.rate_pps == 0) return "max";
    // A whole number is written as one.
    const auto whole = static_cast<std::uint64_t>(rate.rate_pps);
    return static_cast<double>(whole) == rate.rate_pps ? Json(whole) : Json(rate.rate_pps);
  }
  template <typename T>
  static Json json_of(const ByName<T>& by_name) {
    Json json = Json::object();
    for (const auto& [name, count] : by_name.counts) json[name] = count;
    return json;
  }

  Json json_ = Json::object();
};

// Thrown inside this file only; read_summary() catches it and returns the clause.
struct Malformed {
  std::string clause;
};

class KeyReader {
 public:
  KeyReader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json.is_object()) refuse("is no object");
  }

  template <typename T>
  void operator()(const char* key, T&& value) {
    read(at(key), name(key), value);
  }
  void follows(const char* key, bool) { at(key); }
  void is(const char* key, const char* text) {
    if (at(key) != text) throw Malformed{fmt::format("'{}' is not \"{}\"", key, text)};
  }

 private:
  [[noreturn]] void refuse(const char* why) const { wrong(path_, why); }
  [[noreturn]] static void wrong(const std::string& name, const char* why) {
    throw Malformed{fmt::format("'{}' {}", name.empty() ? "the text" : name, why)};
  }
  [[nodiscard]] std::string name(const char* key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  const Json& at(const char* key) {
    const auto member = json_.find(key);
    if (member == json_.end()) wrong(name(key), "is missing");
    return *member;
  }

  static void read(const Json& json, const std::string& name, std::unsigned_integral auto& value) {
    if (!json.is_number_unsigned()) wrong(name, "is no whole number");
    const auto number = json.get<std::uint64_t>();
    value = static_cast<std::remove_reference_t<decltype(value)>>(number);
    if (value != number) wrong(name, "is too large");
  }
  static void read(const Json& json, const std::string& name, int& value) {
    if (!json.is_number_integer()) wrong(name, "is no whole number");
    value = json.get<int>();
  }
  static void read(const Json& json, const std::string& name, double& value) {
    if (!json.is_number()) wrong(name, "is no number");
    value = json.get<double>();
  }
  static void read(const Json& json, const std::string& name, bool& value) {
    if (!json.is_boolean()) wrong(name, "is neither true nor false");
    value = json.get<bool>();
  }
  static void read(const Json& json, const std::string& name, std::string& value) {
    if (!json.is_string()) wrong(name, "is no text");
    value = json.get<std::string>();
  }
  template <typename T>
  static void read(const Json& json, const std::string& name, std::vector<T>& elements) {
    if (!json.is_array()) wrong(name, "is no array");
    elements.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) read(json[i], name + "[]", elements[i]);
  }
  template <typename T>
  static void read(const Json& json, const std::string& name, std::optional<T>& value) {
    if (!json.is_null()) read(json, name, value.emplace(T{}));
  }
  static void read(const Json& json, const std::string& name, Nanoseconds<std::uint64_t>& value) {
    if (!json.is_number() || json.get<double>() < 0 || json.get<double>() > 1e16)
      wrong(name, "is no time");
    value.ns = static_cast<std::uint64_t>(std::llround(json.get<double>() * 1e3));
  }
  static void read(const Json& json, const std::string& name, UnixTime<std::int64_t>& time) {
    const std::string text = json.is_string() ? json.get<std::string>() : "";
    tm fields{};
    int ms = 0;
    char end = 0;
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
    if (rest == nullptr || std::sscanf(rest, ".%3d%c", &ms, &end) != 2 || end != 'Z')
      wrong(name, "is no time");
    time.ms = static_cast<std::int64_t>(timegm(&fields)) * 1000 + ms;
  }
  static void read(const Json& json, const std::string& name, NullIfEmpty<std::string>& value) {
    if (!json.is_null()) read(json, name, value.text);
  }
  static void read(const Json& json, const std::string& name, ObjectText<std::string>& value) {
    if (json.is_null()) return;
    if (!json.is_object()) wrong(name, "is no object");
    value.text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  static void read(const Json& json, const std::string& name, MaxIfZero<double>& rate) {
    if (json == "max") return;
    read(json, name, rate.rate_pps);
    if (rate.rate_pps < 0) wrong(name, "is less than 0");
  }
  template <typename T>
  static void read(const Json& json, const std::string& name, ByName<std::vector<T>>& by_name) {
    if (!json.is_object()) wrong(name, "is no object");
    for (const auto& [key, value] : json.items()) {
      std::uint64_t count = 0;
      read(value, fmt::format("{}.{}", name, key), count);
      by_name.counts.push_back({key, count});
    }
  }
  template <typename T>
  requires std::is_class_v<T>
  static void read(const Json& json, const std::string& name, T& part) {
    KeyReader keys(json, name);
    describe(keys, part);
  }

  const Json& json_;
  std::string path_;
};

}  // namespace

bool Summary::Control::is_rate_too_high() const {
  return deviations && *deviations < -PairedChange::kDeviationsMax;
}

void settle(Summary::Control& control) {
  control.deviations.reset();
  control.why_no_verdict.clear();
  if (!control.is_complete) {
    control.why_no_verdict = "the scan ended before all of it was asked twice";
  } else if (control.both + control.only_slowly + control.only_at_full_rate < kControlAnswersMin) {
    control.why_no_verdict = fmt::format("fewer than {} of it have answered", kControlAnswersMin);
  } else {
    control.deviations = paired_change(control.only_at_full_rate, control.only_slowly).deviations;
  }
}

Summary::Response response_of(std::uint64_t replied, std::uint64_t probed,
                              std::uint64_t population) {
  Summary::Response response{probed, population, {}, {}, {}};
  if (probed == 0) return response;
  response.share = static_cast<double>(replied) / static_cast<double>(probed);
  const auto interval = share_interval(replied, probed, population);
  if (!interval) return response;
  response.low = interval->low;
  response.high = interval->high;
  return response;
}

std::string summary_json(const Summary& summary) {
  return KeyWriter::json_of(summary).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

tl::expected<Summary, std::string> read_summary(std::string_view json) {
  const Json document = Json::parse(json, nullptr, false);
  if (document.is_discarded()) return tl::unexpected(std::string("it is no JSON"));
  try {
    Summary summary;
    KeyReader keys(document, "");
    describe(keys, summary);
    return summary;
  } catch (const Malformed& malformed) {
    return tl::unexpected(malformed.clause);
  }
}

}  // namespace echoscan
