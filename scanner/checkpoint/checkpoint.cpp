#include "scanner/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "output/result/scan_id.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::json;

// nlohmann/json takes -1 for the largest count there is, and 1.5 for 1.
template <typename Count>
Count read_count(const Json& json) {
  const std::uint64_t count = json.is_number_unsigned() ? json.get<std::uint64_t>() : 0;
  if (!json.is_number_unsigned() || count > std::numeric_limits<Count>::max())
    throw std::invalid_argument(fmt::format("{} is no count", json.dump()));
  return static_cast<Count>(count);
}

constexpr std::string_view kFormat = "echoscan checkpoint";
constexpr unsigned kVersion = 5;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

// A text, or the bytes of one that JSON cannot hold.
Json bytes_json(const std::string& text) {
  if (is_utf8(text)) return text;
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

std::string read_bytes(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) throw std::invalid_argument("one of its texts is none");
  std::string text;
  for (const Json& byte : json) text += static_cast<char>(read_count<std::uint8_t>(byte));
  return text;
}

std::string hex_of(const ProbeKeyBytes& key) {
  std::string text;
  for (const std::uint8_t byte : key) text += fmt::format("{:02x}", byte);
  return text;
}

ProbeKeyBytes read_hex(const std::string& text) {
  ProbeKeyBytes key{};
  if (text.size() != 2 * key.size()) throw std::invalid_argument("its key has another length");
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, key[i], 16).ptr != digits + 2)
      throw std::invalid_argument("its key is not hexadecimal");
  }
  return key;
}

Json range_json(StepRange range) {
  return Json::array({range.begin, range.end});
}

StepRange read_range(const Json& json) {
  return {read_count<std::uint64_t>(json.at(0)), read_count<std::uint64_t>(json.at(1))};
}

Json place_json(const OrderPlace& place) {
  Json pending = Json::array();
  for (const StepRange& range : place.pending) pending.push_back(range_json(range));
  return {{"pending", pending},
          {"reached", place.reached},
          {"lines", place.lines},
          {"answers", place.answers},
          {"bytes", place.bytes}};
}

// Ranges that overlap, or lie beyond the order, would probe targets twice or not at all.
OrderPlace read_place(const Json& json, std::uint64_t steps) {
  OrderPlace place;
  std::uint64_t end = 0;
  for (const Json& each : json.at("pending")) {
    const StepRange range = read_range(each);
    if (range.begin < end || range.end <= range.begin || range.end > steps)
      throw std::invalid_argument("its steps are no part of the order");
    end = range.end;
    place.pending.push_back(range);
  }
  place.reached = read_count<std::uint64_t>(json.at("reached"));
  place.lines = read_count<std::uint64_t>(json.at("lines"));
  place.answers = read_count<std::uint64_t>(json.at("answers"));
  place.bytes = read_count<std::uint64_t>(json.at("bytes"));
  if (place.reached > steps) throw std::invalid_argument("its steps are no part of the order");
  return place;
}

Json form_json(const ResultForm& form) {
  return {{"format", form.format},
          {"fields", form.fields},
          {"emit", form.emit},
          {"repeat_cap", form.repeat_cap}};
}

ResultForm read_form(const Json& json) {
  return {json.at("format").get<std::string>(), json.at("fields").get<std::vector<std::string>>(),
          json.at("emit").get<std::vector<std::string>>(),
          read_count<std::uint64_t>(json.at("repeat_cap"))};
}

bool says_checkpoint(const Json& json) {
  return json.is_object() && json.value("format", Json()) == kFormat;
}

Json leg_json(const Leg& leg) {
  return {{"start_ms", leg.start_ms},
          {"end_ms", leg.end_ms},
          {"why", leg.why},
          {"sent", leg.sent},
          {"sent_again", leg.sent_again},
          {"host", bytes_json(leg.host)},
          {"pid", leg.pid}};
}

Leg read_leg(const Json& json) {
  return {json.at("start_ms").get<std::int64_t>(),
          json.at("end_ms").get<std::int64_t>(),
          json.at("why").get<std::string>(),
          read_count<std::uint64_t>(json.at("sent")),
          read_count<std::uint64_t>(json.at("sent_again")),
          read_bytes(json.at("host")),
          read_count<std::uint64_t>(json.at("pid"))};
}

Checkpoint read_members(const Json& json) {
  Checkpoint checkpoint;
  checkpoint.program = json.at("program").get<std::string>();
  for (const Json& argument : json.at("arguments"))
    checkpoint.arguments.push_back(read_bytes(argument));
  checkpoint.directory = read_bytes(json.at("directory"));
  checkpoint.results = read_bytes(json.at("results"));
  checkpoint.scan_id = json.at("scan_id").get<std::string>();
  if (!ScanId::parse(checkpoint.scan_id)) throw std::invalid_argument("its scan_id is none");
  checkpoint.form = read_form(json.at("form"));
  checkpoint.digest = json.at("digest").get<std::string>();
  checkpoint.seed = read_count<std::uint64_t>(json.at("seed"));
  checkpoint.first = read_count<std::uint64_t>(json.at("first"));
  checkpoint.passes = read_count<std::uint32_t>(json.at("passes"));
  checkpoint.shard = read_count<std::uint32_t>(json.at("shard"));
  checkpoint.shards = read_count<std::uint32_t>(json.at("shards"));
  checkpoint.steps = read_range(json.at("steps"));
  checkpoint.without_way = json.at("without_way").get<std::string>();
  checkpoint.key = read_hex(json.at("key").get<std::string>());
  checkpoint.boot_id = json.at("boot_id").get<std::string>();
  const std::uint64_t shard_steps =
      checkpoint.steps.end - std::min(checkpoint.steps.begin, checkpoint.steps.end);
  checkpoint.after_kill = read_place(json.at("after_kill"), shard_steps * checkpoint.passes);
  checkpoint.after_power_loss =
      read_place(json.at("after_power_loss"), shard_steps * checkpoint.passes);
  checkpoint.in_doubt = read_count<std::uint64_t>(json.at("in_doubt"));
  for (const Json& leg : json.at("legs")) checkpoint.legs.push_back(read_leg(leg));
  if (checkpoint.legs.empty()) throw std::invalid_argument("it has no legs");
  return checkpoint;
}

}  // namespace

std::string checkpoint_json(const Checkpoint& checkpoint) {
  Json arguments = Json::array();
  for (const std::string& argument : checkpoint.arguments)
    arguments.push_back(bytes_json(argument));
  Json legs = Json::array();
  for (const Leg& leg : checkpoint.legs) legs.push_back(leg_json(leg));
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"program", checkpoint.program},
                     {"arguments", arguments},
                     {"directory", bytes_json(checkpoint.directory)},
                     {"results", bytes_json(checkpoint.results)},
                     {"scan_id", checkpoint.scan_id},
                     {"form", form_json(checkpoint.form)},
                     {"digest", checkpoint.digest},
                     {"seed", checkpoint.seed},
                     {"first", checkpoint.first},
                     {"passes", checkpoint.passes},
                     {"shard", checkpoint.shard},
                     {"shards", checkpoint.shards},
                     {"steps", range_json(checkpoint.steps)},
                     {"without_way", checkpoint.without_way},
                     {"key", hex_of(checkpoint.key)},
                     {"boot_id", checkpoint.boot_id},
                     {"after_kill", place_json(checkpoint.after_kill)},
                     {"after_power_loss", place_json(checkpoint.after_power_loss)},
                     {"in_doubt", checkpoint.in_doubt},
                     {"legs", legs}};
  return json.dump() + "\n";
}

bool is_checkpoint(std::string_view text) {
  return says_checkpoint(Json::parse(text, nullptr, false));
}

tl::expected<Checkpoint, std::string> read_checkpoint(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!says_checkpoint(json)) return tl::make_unexpected("it is no checkpoint of a scan");
  const Json version = json.value("version", Json());
  if (version != kVersion)
    return tl::make_unexpected(fmt::format("it is of version {}, and this program knows version {}",
                                           version.dump(), kVersion));
  try {
    return read_members(json);
  } catch (const Json::exception& error) {
    return tl::make_unexpected(fmt::format("it is damaged: {}", error.what()));
  } catch (const std::invalid_argument& error) {
    return tl::make_unexpected(fmt::format("it is damaged: {}", error.what()));
  }
}

}  // namespace echoscan
