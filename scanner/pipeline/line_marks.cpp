#include "scanner/pipeline/line_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace echoscan {
namespace {

constexpr std::uint64_t kNoRtt = std::numeric_limits<std::uint64_t>::max();

// In the byte order of the machine, on which the scan goes on.
struct Mark {
  std::uint32_t target;
  std::uint32_t responder;
  std::uint64_t rtt_ns;
  std::int64_t received_us;
  std::uint8_t icmp_type;
  std::uint8_t icmp_code;
  std::uint8_t is_error;
  std::uint8_t is_repeat;
  std::uint8_t is_late;
  std::uint8_t is_elsewhere;
  std::uint8_t unused[2];
};
static_assert(sizeof(Mark) == 32);

constexpr MarkFile::Kind kLineMarks = {"ecslines", sizeof(Mark)};
static_assert(kLineMarks.head.size() == MarkFile::kHeadBytes);

Mark mark_of(const ReadResult& result) {
  const Ipv4 responder = result.responder.value_or(result.target);
  return {result.target.value,
          responder.value,
          result.rtt_ns.value_or(kNoRtt),
          result.received_us.value_or(0),
          result.icmp_type,
          result.icmp_code,
          result.is_error,
          result.is_repeat,
          result.is_late,
          result.is_elsewhere,
          {}};
}

ReadResult result_of(const Mark& mark) {
  ReadResult result;
  result.target = Ipv4{mark.target};
  result.responder = Ipv4{mark.responder};
  result.is_error = mark.is_error != 0;
  result.is_repeat = mark.is_repeat != 0;
  if (mark.rtt_ns != kNoRtt) result.rtt_ns = mark.rtt_ns;
  result.received_us = mark.received_us;
  result.icmp_type = mark.icmp_type;
  result.icmp_code = mark.icmp_code;
  result.is_late = mark.is_late != 0;
  result.is_elsewhere = mark.is_elsewhere != 0;
  return result;
}

}  // namespace

tl::expected<std::unique_ptr<LineMarks>, std::string> LineMarks::open(const std::string& path,
                                                                      bool is_left) {
  tl::expected<std::unique_ptr<MarkFile>, std::string> file =
      is_left ? MarkFile::reopen(path, kLineMarks) : MarkFile::make(path, kLineMarks);
  if (!file) return tl::make_unexpected(fmt::format("cannot use '{}': {}", path, file.error()));
  return std::unique_ptr<LineMarks>(new LineMarks(std::move(*file)));
}

void LineMarks::remove(const std::string& path) {
  MarkFile::remove(path, kLineMarks);
}

tl::expected<std::size_t, int> LineMarks::complete(std::span<ReadResult> results) {
  const std::size_t marked = std::min<std::uint64_t>(results.size(), file_->count() - read_);
  bytes_.resize(marked * sizeof(Mark));
  if (const int error = marked > 0 ? file_->read(read_, bytes_) : 0; error != 0)
    return tl::make_unexpected(error);
  for (std::size_t i = 0; i < marked; ++i) {
    std::array<std::byte, sizeof(Mark)> bytes;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(i * sizeof(Mark)), sizeof(Mark),
                bytes.begin());
    const ReadResult whole = result_of(std::bit_cast<Mark>(bytes));
    if (results[i].has_target && results[i].target != whole.target) return i;
    results[i] = whole;
  }
  read_ += marked;
  return marked;
}

void LineMarks::add(const ReadResult& result) {
  const Mark mark = mark_of(result);
  file_->add(std::as_bytes(std::span(&mark, 1)));
}

}  // namespace echoscan
