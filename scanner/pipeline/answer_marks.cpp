#include "scanner/pipeline/answer_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace echoscan {
namespace {

using Packed = std::array<std::byte, sizeof(std::uint64_t)>;

constexpr MarkFile::Kind kAnswerMarks = {"ecsmarks", sizeof(Packed)};
static_assert(kAnswerMarks.head.size() == MarkFile::kHeadBytes);
constexpr std::size_t kReadMarks = 8192;
constexpr unsigned kTypeShift = 32;
constexpr unsigned kCodeShift = 40;

Packed packed(const AnswerMark& mark) {
  return std::bit_cast<Packed>(mark.target.value | std::uint64_t{mark.icmp_type} << kTypeShift |
                               std::uint64_t{mark.icmp_code} << kCodeShift);
}

AnswerMark unpacked(std::uint64_t mark) {
  return {Ipv4{static_cast<std::uint32_t>(mark)}, static_cast<std::uint8_t>(mark >> kTypeShift),
          static_cast<std::uint8_t>(mark >> kCodeShift)};
}

// Calls `use` with each of them; an errno.
int read_marks(const MarkFile& file, const std::function<void(const AnswerMark&)>& use) {
  std::vector<std::uint64_t> marks;
  for (std::uint64_t read = 0; read < file.count(); read += marks.size()) {
    marks.resize(std::min<std::uint64_t>(kReadMarks, file.count() - read));
    if (const int error = file.read(read, std::as_writable_bytes(std::span(marks))); error != 0)
      return error;
    for (const std::uint64_t mark : marks) use(unpacked(mark));
  }
  return 0;
}

}  // namespace

tl::expected<std::unique_ptr<AnswerMarks>, std::string> AnswerMarks::open(
    const std::string& path, const std::optional<MarksLeft>& left,
    const std::function<void(const AnswerMark&)>& use) {
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot use '{}': {}", path, reason));
  };
  tl::expected<std::unique_ptr<MarkFile>, std::string> file =
      left ? MarkFile::reopen(path, kAnswerMarks) : MarkFile::make(path, kAnswerMarks);
  if (!file) return refusal(file.error());
  const std::uint64_t count = (*file)->count();
  if (left && count < left->count)
    return refusal(fmt::format("it has {} of {} marks", count, left->count));
  int error = left && left->has_lost_power ? (*file)->keep_first(left->count) : 0;
  if (error == 0) error = read_marks(**file, use);
  if (error != 0) return refusal(std::strerror(error));
  return std::unique_ptr<AnswerMarks>(new AnswerMarks(std::move(*file)));
}

void AnswerMarks::remove(const std::string& path) {
  MarkFile::remove(path, kAnswerMarks);
}

void AnswerMarks::add(const AnswerMark& mark) {
  file_->add(packed(mark));
}

}  // namespace echoscan
