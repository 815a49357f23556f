#include "targets/list_bytes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "targets/prefix.h"
#include "targets/unpacker.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;
constexpr std::size_t kLeadMax = 1 << 20;  // a list that begins with more blanks than that is text

struct ForeignFormat {
  std::string_view magic;
  std::string_view name;
};

// Common formats that we do not read: named, so that the user gets one sentence and not twenty
// syntax errors.
constexpr std::array<ForeignFormat, 3> kForeignFormats{{{"\xfd"
                                                         "7zXZ",
                                                         "xz"},
                                                        {"BZh", "bzip2"},
                                                        {"PK\x03\x04", "zip"}}};

}  // namespace

ListBytes::ListBytes(std::istream& in) : in_(in), packed_buffer_(kChunkBytes) {}

ListBytes::~ListBytes() = default;

void ListBytes::refill() {
  errno = 0;
  in_.read(packed_buffer_.data(), static_cast<std::streamsize>(packed_buffer_.size()));
  packed_ = {packed_buffer_.data(), static_cast<std::size_t>(in_.gcount())};
  at_end_ = !in_.good();
  if (in_.bad()) failure_ = std::strerror(errno);
}

void ListBytes::recognise() {
  is_recognised_ = true;
  if (packed_.starts_with("\xff\xfe") || packed_.starts_with("\xfe\xff"))
    failure_ = "it is UTF-16; save it as UTF-8";
  unpacker_ = make_unpacker(packed_);
  if (unpacker_) buffer_.resize(kChunkBytes);
  for (const ForeignFormat& format : kForeignFormats)
    if (packed_.starts_with(format.magic))
      failure_ = "it is compressed by " + std::string(format.name) +
                 "; of compressed lists, gzip and zstd are read";
}

std::string_view ListBytes::unpack_more() {
  while (failure_.empty()) {
    if (packed_.empty() && !at_end_) refill();
    if (!is_recognised_) recognise();
    if (!failure_.empty()) break;
    if (!unpacker_) return std::exchange(packed_, {});
    const std::size_t unpacked = unpacker_->unpack(packed_, buffer_);
    if (unpacked > 0) return {buffer_.data(), unpacked};
    const bool is_over = packed_.empty() && at_end_;
    if (is_over) unpacker_->finish();
    failure_ = unpacker_->failure();
    if (is_over) break;
  }
  return {};
}

std::string_view ListBytes::next() {
  if (lead_.empty()) return unpack_more();
  given_ = std::exchange(lead_, {});
  return given_;
}

char ListBytes::first_mark() {
  while (lead_.size() < kLeadMax) {
    std::string_view text = lead_;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const std::size_t mark = text.find_first_not_of(kBlanks);
    const bool may_be_cut_mark = text.size() == lead_.size() && kByteOrderMark.starts_with(text);
    if (mark != std::string_view::npos && !may_be_cut_mark) return text[mark];
    const std::string_view more = unpack_more();
    if (more.empty()) return mark == std::string_view::npos ? '\0' : text[mark];
    lead_ += more;
  }
  return '\0';
}

std::string_view ListBytes::first_line(std::size_t bytes_max) {
  const char mark = first_mark();
  const std::size_t begin = std::min(lead_.find(mark), lead_.size());
  while (true) {
    const std::size_t end = lead_.find('\n', begin);
    const std::size_t bytes = std::min(end, lead_.size()) - begin;
    if (bytes > bytes_max) return {};
    if (end == std::string::npos)
      if (const std::string_view more = unpack_more(); !more.empty()) {
        lead_ += more;
        continue;
      }
    return std::string_view(lead_).substr(begin, bytes);
  }
}

}  // namespace echoscan
