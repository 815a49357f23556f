#include "targets/list_bytes.h"

#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace echoscan {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;
constexpr std::size_t kLeadMax = 1 << 20;  // a list that begins with more blanks than that is text
constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

struct ForeignFormat {
  std::string_view magic;
  std::string_view name;
};

// Formats that are met with, and that should not end in twenty lines about bytes that are no
// addresses.
constexpr std::array<ForeignFormat, 3> kForeignFormats{{{"\xfd"
                                                         "7zXZ",
                                                         "xz"},
                                                        {"BZh", "bzip2"},
                                                        {"PK\x03\x04", "zip"}}};

}  // namespace

class ListBytes::Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Unpacks from the front of `packed`, which it shortens, into `out`; how many bytes it wrote.
  virtual std::size_t unpack(std::string_view& packed, std::span<char> out) = 0;
  // Whether the data may end where it is.
  [[nodiscard]] virtual bool is_whole() const = 0;
  [[nodiscard]] virtual const char* name() const = 0;
  // What is wrong with the data; empty while nothing is.
  [[nodiscard]] const std::string& damage() const { return damage_; }

 protected:
  std::string damage_;
};

namespace {

class GzipUnpacker : public ListBytes::Unpacker {
 public:
  GzipUnpacker() {
    constexpr int kGzipWindowBits = 15 + 16;
    if (inflateInit2(&stream_, kGzipWindowBits) != Z_OK) throw std::bad_alloc();
  }
  ~GzipUnpacker() override { inflateEnd(&stream_); }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  std::size_t unpack(std::string_view& packed, std::span<char> out) override {
    if (member_ended_ && packed.empty()) return 0;
    if (member_ended_) inflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    packed.remove_prefix(packed.size() - stream_.avail_in);
    member_ended_ = result == Z_STREAM_END;
    // Z_BUF_ERROR: there was nothing to do, which is for the caller to judge.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      damage_ = stream_.msg ? stream_.msg : zError(result);
    return out.size() - stream_.avail_out;
  }
  [[nodiscard]] bool is_whole() const override { return member_ended_; }
  [[nodiscard]] const char* name() const override { return "gzip"; }

 private:
  z_stream stream_{};
  bool member_ended_ = false;
};

class ZstdUnpacker : public ListBytes::Unpacker {
 public:
  ZstdUnpacker() : context_(ZSTD_createDCtx()) {
    if (!context_) throw std::bad_alloc();
  }
  ~ZstdUnpacker() override { ZSTD_freeDCtx(context_); }
  ZstdUnpacker(const ZstdUnpacker&) = delete;
  ZstdUnpacker& operator=(const ZstdUnpacker&) = delete;

  std::size_t unpack(std::string_view& packed, std::span<char> out) override {
    if (frame_ended_ && packed.empty()) return 0;
    ZSTD_inBuffer from{packed.data(), packed.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_, &to, &from);
    packed.remove_prefix(from.pos);
    if (ZSTD_isError(result)) damage_ = ZSTD_getErrorName(result);
    frame_ended_ = result == 0;
    return to.pos;
  }
  [[nodiscard]] bool is_whole() const override { return frame_ended_; }
  [[nodiscard]] const char* name() const override { return "zstd"; }

 private:
  ZSTD_DCtx* context_;
  bool frame_ended_ = false;
};

bool is_zstd(std::string_view bytes) {
  const bool is_skippable =
      bytes.size() >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18";
  return is_skippable || bytes.starts_with("\x28\xb5\x2f\xfd");
}

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
  if (packed_.starts_with("\x1f\x8b")) unpacker_ = std::make_unique<GzipUnpacker>();
  if (is_zstd(packed_)) unpacker_ = std::make_unique<ZstdUnpacker>();
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
    if (!unpacker_->damage().empty()) {
      failure_ = "the " + std::string(unpacker_->name()) + " data is damaged (" +
                 unpacker_->damage() + ")";
    } else if (unpacked > 0) {
      return {buffer_.data(), unpacked};
    } else if (packed_.empty() && at_end_) {
      if (unpacker_->is_whole()) break;
      failure_ = "the " + std::string(unpacker_->name()) + " data ends early";
    }
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

}  // namespace echoscan
