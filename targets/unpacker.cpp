#include "targets/unpacker.h"

#include <zlib.h>
#include <zstd.h>

#include <new>

namespace echoscan {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr int kGzipWindowBits = 15 + 16;  // 16: gzip's header instead of zlib's

class GzipUnpacker : public Unpacker {
 public:
  GzipUnpacker() : Unpacker("gzip") {
    if (inflateInit2(&stream_, kGzipWindowBits) != Z_OK) throw std::bad_alloc();
  }
  ~GzipUnpacker() override { inflateEnd(&stream_); }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  std::size_t unpack(std::string_view& packed, std::span<char> out) override {
    if (is_whole_ && packed.empty()) return 0;
    if (is_whole_) inflateReset(&stream_);
    // zlib's interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    packed.remove_prefix(packed.size() - stream_.avail_in);
    is_whole_ = result == Z_STREAM_END;
    // Z_BUF_ERROR only says that zlib needs more input.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      note_damage(stream_.msg ? stream_.msg : zError(result));
    return out.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
};

class ZstdUnpacker : public Unpacker {
 public:
  ZstdUnpacker() : Unpacker("zstd"), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (!context_) throw std::bad_alloc();
  }

  std::size_t unpack(std::string_view& packed, std::span<char> out) override {
    if (begins_frame_ && packed.empty()) return 0;
    if (begins_frame_) unpack_some(packed, packed.substr(0, 1), {});
    return failure().empty() ? unpack_some(packed, packed, out) : 0;
  }

 private:
  // A frame that the library sees as a whole it unpacks at once, whatever window it asks for; in
  // pieces it refuses one of more than 128 MiB. So that a file is the same file in any pieces, it
  // never sees a frame's first byte together with the rest.
  std::size_t unpack_some(std::string_view& packed, std::string_view piece, std::span<char> out) {
    ZSTD_inBuffer from{piece.data(), piece.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &to, &from);
    packed.remove_prefix(from.pos);
    if (ZSTD_isError(result) != 0) note_damage(ZSTD_getErrorName(result));
    is_whole_ = result == 0;
    begins_frame_ = result == 0;
    return to.pos;
  }

  bool begins_frame_ = true;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
};

// RFC 8878: 0x184D2A50 to 0x184D2A5F, little endian.
bool begins_skippable_frame(std::string_view bytes) {
  return bytes.size() >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

void Unpacker::note_damage(const char* what) {
  failure_ = "the " + std::string(format_) + " data is damaged (" + what + ")";
}

void Unpacker::finish() {
  if (failure_.empty() && !is_whole_) failure_ = "the " + std::string(format_) + " data ends early";
}

std::unique_ptr<Unpacker> make_unpacker(std::string_view begin) {
  if (begin.starts_with(kGzipMagic)) return std::make_unique<GzipUnpacker>();
  if (begin.starts_with(kZstdMagic) || begins_skippable_frame(begin))
    return std::make_unique<ZstdUnpacker>();
  return nullptr;
}

}  // namespace echoscan
