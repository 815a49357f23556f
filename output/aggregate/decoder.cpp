#include "output/aggregate/decoder.h"

#include <zlib.h>
#include <zstd.h>

#include <new>

namespace echoscan {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr int kGzipWindowBits = 15 + 16;  // 16: gzip's header instead of zlib's

class ZstdDecoder : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (!context_) throw std::bad_alloc();
  }

  Progress decode(std::string_view& input, char* out, std::size_t room) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer output{out, room, 0};
    const std::size_t left = ZSTD_decompressStream(context_.get(), &output, &in);
    input.remove_prefix(in.pos);
    if (ZSTD_isError(left) != 0) return {output.pos, true};
    if (in.pos > 0 || output.pos > 0) is_complete_ = left == 0;
    return {output.pos, false};
  }
  [[nodiscard]] bool is_complete() const override { return is_complete_; }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  bool is_complete_ = false;
};

class GzipDecoder : public Decoder {
 public:
  GzipDecoder() {
    if (inflateInit2(&stream_, kGzipWindowBits) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  Progress decode(std::string_view& input, char* out, std::size_t room) override {
    if (input.empty() && is_complete_) return {};
    if (is_complete_) inflateReset(&stream_);
    is_complete_ = false;
    // zlib's interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    input.remove_prefix(input.size() - stream_.avail_in);
    is_complete_ = status == Z_STREAM_END;
    return {room - stream_.avail_out,
            status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR};
  }
  [[nodiscard]] bool is_complete() const override { return is_complete_; }

 private:
  z_stream stream_{};
  bool is_complete_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(std::string_view begin) {
  if (begin.starts_with(kGzipMagic)) return std::make_unique<GzipDecoder>();
  if (begin.starts_with(kZstdMagic)) return std::make_unique<ZstdDecoder>();
  return nullptr;
}

}  // namespace echoscan
