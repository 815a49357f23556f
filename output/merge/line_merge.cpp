#include "output/merge/line_merge.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "output/aggregate/line_source.h"

namespace echoscan {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr int kWaitMs = 50;

// The number behind a key; false where the line has none.
template <typename Number>
bool number_behind(std::string_view line, std::string_view key, Number& number) {
  const std::size_t place = line.rfind(key);
  if (place == std::string_view::npos) return false;
  const char* begin = line.data() + place + key.size();
  return std::from_chars(begin, line.data() + line.size(), number).ec == std::errc();
}

bool has(std::string_view line, std::string_view text) {
  return memmem(line.data(), line.size(), text.data(), text.size()) != nullptr;
}

bool is_json(std::string_view line) {
  return line.starts_with('{');
}

// A line of --format ip begins with a digit, a header of CSV with a field's name.
bool is_csv_header(std::string_view line) {
  return !line.empty() && line.front() >= 'a' && line.front() <= 'z';
}

}  // namespace

tl::expected<bool, std::string> LineMerge::begin_file(std::string_view line, bool& is_header) {
  is_header = is_csv_header(line);
  const std::string header(is_header ? line : is_json(line) ? "{" : "");
  if (has_file_ && header != header_)
    return tl::unexpected(
        std::string("its lines have another form than those before, or other fields"));
  const bool is_first = !has_file_;
  has_file_ = true;
  header_ = header;
  return is_first || !is_header;
}

std::string LineMerge::look_at(std::string_view line, std::uint32_t shard) {
  if (header_ != "{") return {};
  if (!is_json(line) || !line.ends_with('}')) return "it is no result";
  if (std::uint32_t its = 0; number_behind(line, "\"shard\":", its) && its != shard)
    return fmt::format("it is of shard {}, and the file of shard {}", its, shard);
  double rtt_us = 0;
  if (number_behind(line, "\"rtt_us\":", rtt_us) && rtt_us >= 0 && rtt_us < 1e13 &&
      !has(line, "\"repeat\":true") && !has(line, "\"type\":\"error\"") &&
      !has(line, "\"success\":false"))
    rtt_.add(static_cast<std::uint64_t>(std::llround(rtt_us * 1e3)));
  return {};
}

tl::expected<std::uint64_t, LineMerge::Failure> LineMerge::add_file(const std::string& path,
                                                                    std::uint32_t shard) {
  const auto failure = [](std::string sentence) {
    return tl::unexpected(Failure{std::move(sentence), 0});
  };
  const tl::expected<std::unique_ptr<LineSource>, std::string> opened = LineSource::open(path);
  if (!opened) return failure(opened.error());
  LineSource& source = **opened;
  std::uint64_t lines = 0;
  for (std::string_view line; source.next(line);) {
    bool is_header = false;
    if (source.line_number() == 1) {
      const tl::expected<bool, std::string> is_copied = begin_file(line, is_header);
      if (!is_copied) return failure(fmt::format("'{}': {}", path, is_copied.error()));
      if (!*is_copied) continue;
    }
    if (!is_header) {
      ++lines;
      if (const std::string fault = look_at(line, shard); !fault.empty())
        return failure(fmt::format("{}:{}: {}", path, source.line_number(), fault));
    }
    block_.append(line);
    block_ += '\n';
    if (block_.size() < kBlockBytes) continue;
    if (const int error = flush(); error != 0) return tl::unexpected(Failure{"", error});
  }
  if (!source.error().empty()) return failure(fmt::format("'{}': {}", path, source.error()));
  return lines;
}

int LineMerge::flush() {
  std::string_view rest = block_;
  while (!rest.empty()) {
    const ByteSink::Outcome outcome = sink_.write_some(rest);
    rest.remove_prefix(outcome.written);
    if (outcome.error != 0) return outcome.error;
    if (outcome.written == 0) sink_.wait_writable(kWaitMs);
  }
  bytes_ += block_.size();
  block_.clear();
  return 0;
}

}  // namespace echoscan
