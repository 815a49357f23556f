#include "output/aggregate/result_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "output/result/result_field.h"

namespace echoscan {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr double kRttUnitNs = 1000;
constexpr double kReadRttUsMax = 1e15;

// The fields that are read. Errors and repeats are known by several, of which one is enough.
enum class Part {
  none,
  target,
  saddr,
  type,
  success,
  repeat,
  cooldown,
  rtt_us,
  ts_us,
  icmp_type,
  icmp_code,
  interface,
};

// By length first: comparing each key with each name took a quarter of the time.
Part part_of(std::string_view name) {
  const auto is = [name](std::string_view known, Part part) {
    return name == known ? part : Part::none;
  };
  switch (name.size()) {
    case 4:
      return is("type", Part::type);
    case 5:
      return name[0] == 's' ? is("saddr", Part::saddr) : is("ts_us", Part::ts_us);
    case 6:
      if (name[0] == 't') return is("target", Part::target);
      return name[1] == 'e' ? is("repeat", Part::repeat) : is("rtt_us", Part::rtt_us);
    case 7:
      return is("success", Part::success);
    case 8:
      return is("cooldown", Part::cooldown);
    case 9:
      if (name[1] == 'n') return is("interface", Part::interface);
      return name[5] == 't' ? is("icmp_type", Part::icmp_type) : is("icmp_code", Part::icmp_code);
    default:
      return Part::none;
  }
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool take_rtt(double rtt_us, ReadResult& result) {
  if (!(rtt_us >= 0 && rtt_us < kReadRttUsMax)) return false;
  result.rtt_ns = static_cast<std::uint64_t>(std::llround(rtt_us * kRttUnitNs));
  return true;
}

bool take_address(std::string_view text, Ipv4& address) {
  const std::optional<Ipv4> parsed = parse_ipv4(text);
  if (parsed) address = *parsed;
  return parsed.has_value();
}

// Takes a value as CSV has it; false when the field cannot have it.
bool take_text(Part part, std::string_view text, ReadResult& result) {
  Ipv4 responder;
  std::int64_t received_us = 0;
  double rtt_us = 0;
  switch (part) {
    case Part::target:
      result.has_target = true;
      return take_address(text, result.target);
    case Part::saddr:
      if (!take_address(text, responder)) return false;
      result.responder = responder;
      return true;
    case Part::type:
      result.is_error = text == "error";
      return result.is_error || text == "reply";
    case Part::success:
      result.is_error = text == "false";
      return result.is_error || text == "true";
    case Part::repeat:
      result.is_repeat = text == "true";
      return result.is_repeat || text == "false";
    case Part::cooldown:
      result.is_late = text == "true";
      return result.is_late || text == "false";
    case Part::interface:
      result.is_elsewhere = !text.empty();
      return true;
    case Part::rtt_us:
      return text.empty() || (parse_number(text, rtt_us) && take_rtt(rtt_us, result));
    case Part::ts_us:
      if (!parse_number(text, received_us)) return false;
      result.received_us = received_us;
      return true;
    case Part::icmp_type:
      return parse_number(text, result.icmp_type);
    case Part::icmp_code:
      return parse_number(text, result.icmp_code);
    case Part::none:
      break;
  }
  return true;
}

std::vector<Part> parts_of(ResultFormat::Syntax syntax,
                           const std::vector<const ResultField*>& fields) {
  if (syntax == ResultFormat::Syntax::ip) return {Part::target};
  std::vector<Part> parts;
  if (fields.empty()) {
    for (const ResultField& field : kResultFields) parts.push_back(part_of(field.name));
  } else {
    for (const ResultField* field : fields) parts.push_back(part_of(field->name));
  }
  return parts;
}

}  // namespace

class ResultReader::Parser {
 public:
  virtual ~Parser() = default;
  // False when the line is no result.
  virtual bool parse(std::string_view line, ReadResult& result) = 0;
};

class ResultReader::JsonParser : public Parser {
 public:
  explicit JsonParser(bool has_target) : has_target_(has_target) {}

  bool parse(std::string_view line, ReadResult& result) override {
    const char* const line_end = line.data() + line.size();
    try {
      ondemand::document document =
          parser_.iterate(line.data(), line.size(), line.size() + LineSource::kPaddingBytes);
      for (ondemand::field field : document.get_object()) {
        const std::string_view key = key_as_written(field, line_end);
        if (const char* end = key.data() + key.size(); end == line_end || *end != '"') return false;
        const Part part = part_of(key);
        if (!take(part, field.value(), result)) return false;
      }
      return result.has_target == has_target_ &&
             document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    } catch (const simdjson::simdjson_error&) {
      return false;
    }
  }

 private:
  // The key up to its quote or an escape, which no result has. To have each one copied took a fifth
  // of the time.
  static std::string_view key_as_written(ondemand::field& field, const char* line_end) {
    const char* const begin = field.key().raw();
    const char* end = begin;
    while (end != line_end && *end != '"' && *end != '\\') ++end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }
  static bool take(Part part, ondemand::value& value, ReadResult& result) {
    // Of --fields, where it is unknown: as good as absent.
    if (part != Part::none && value.is_null()) return true;
    switch (part) {
      case Part::target:
      case Part::saddr:
      case Part::type:
        return take_text(part, value.get_string(), result);
      case Part::success:
        result.is_error = !bool(value.get_bool());
        return true;
      case Part::repeat:
        result.is_repeat = value.get_bool();
        return true;
      case Part::cooldown:
        result.is_late = value.get_bool();
        return true;
      case Part::interface:
        result.is_elsewhere = true;
        return true;
      case Part::rtt_us:
        return take_rtt(value.get_double(), result);
      case Part::ts_us:
        result.received_us = value.get_int64();
        return true;
      case Part::icmp_type:
      case Part::icmp_code:
        return take_byte(value, part == Part::icmp_type ? result.icmp_type : result.icmp_code);
      case Part::none:
        break;
    }
    return true;
  }
  static bool take_byte(ondemand::value& value, std::uint8_t& byte) {
    const std::uint64_t number = value.get_uint64();
    byte = static_cast<std::uint8_t>(number);
    return number == byte;
  }

  const bool has_target_;  // each line
  ondemand::parser parser_;
};

class ResultReader::CsvParser : public Parser {
 public:
  explicit CsvParser(std::vector<Part> parts) : parts_(std::move(parts)) {}

  bool parse(std::string_view line, ReadResult& result) override {
    std::size_t column = 0;
    while (column < parts_.size()) {
      const std::size_t end = end_of_cell(line);
      if (!take_text(parts_[column++], line.substr(0, end), result)) return false;
      if (end == line.size()) break;
      line.remove_prefix(end + 1);
      if (column == parts_.size()) return false;
    }
    return column == parts_.size();
  }

 private:
  // A cell that is quoted holds a text, which is not read; its quotes are doubled.
  static std::size_t end_of_cell(std::string_view line) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < line.size() && (is_quoted || line[end] != ','); ++end)
      if (line[end] == '"') is_quoted = !is_quoted;
    return end;
  }

  std::vector<Part> parts_;
};

class ResultReader::AddressParser : public Parser {
 public:
  bool parse(std::string_view line, ReadResult& result) override {
    return take_text(Part::target, line, result);
  }
};

tl::expected<std::unique_ptr<ResultReader>, std::string> ResultReader::open(
    const std::string& path, ResultFormat::Syntax syntax,
    const std::vector<const ResultField*>& fields) {
  tl::expected<std::unique_ptr<LineSource>, std::string> source = LineSource::open(path);
  if (!source) return tl::make_unexpected(source.error());
  std::unique_ptr<Parser> parser;
  std::vector<Part> parts = parts_of(syntax, fields);
  switch (syntax) {
    case ResultFormat::Syntax::jsonl:
      parser = std::make_unique<JsonParser>(std::ranges::find(parts, Part::target) != parts.end());
      break;
    case ResultFormat::Syntax::csv:
      parser = std::make_unique<CsvParser>(std::move(parts));
      break;
    case ResultFormat::Syntax::text:
      return tl::make_unexpected(path + ": lines for people (--format text) are not read back");
    case ResultFormat::Syntax::ip:
      parser = std::make_unique<AddressParser>();
      break;
  }
  std::unique_ptr<ResultReader> reader(
      new ResultReader(path, std::move(*source), std::move(parser)));
  reader->read_header(ResultFormat(syntax, fields).header());
  return reader;
}

ResultReader::ResultReader(std::string path, std::unique_ptr<LineSource> source,
                           std::unique_ptr<Parser> parser)
    : path_(std::move(path)), source_(std::move(source)), parser_(std::move(parser)) {}

ResultReader::~ResultReader() = default;

void ResultReader::read_header(std::string_view header) {
  std::string_view line;
  if (header.empty() || !source_->next(line)) return;
  bytes_ = line.size() + 1;
  if (line != header.substr(0, header.size() - 1))
    error_ = fmt::format("'{}' does not begin with the header of this scan's results", path_);
}

bool ResultReader::next(ReadResult& result) {
  std::string_view line;
  if (error_.empty() && source_->next(line)) {
    bytes_ += line.size() + 1;
    result = {};
    if (parser_->parse(line, result)) return true;
    error_ =
        fmt::format("'{}', line {}, is not a result of this scan", path_, source_->line_number());
  }
  if (error_.empty() && !source_->error().empty())
    error_ = fmt::format("'{}' was read up to line {}: {}", path_, source_->line_number(),
                         source_->error());
  return false;
}

bool says_all(ResultFormat::Syntax syntax, const std::vector<const ResultField*>& fields,
              bool has_errors, bool has_repeats) {
  const std::vector<Part> parts = parts_of(syntax, fields);
  const auto has = [&parts](Part part) { return std::ranges::find(parts, part) != parts.end(); };
  const bool has_kinds = has(Part::type) || has(Part::success);
  return std::ranges::all_of(std::array{Part::target, Part::saddr, Part::cooldown, Part::rtt_us,
                                        Part::ts_us, Part::interface},
                             has) &&
         (!has_errors || (has_kinds && has(Part::icmp_type) && has(Part::icmp_code))) &&
         (!has_repeats || has(Part::repeat));
}

}  // namespace echoscan
