#include "output/sink/encoder.h"

#include <zlib.h>
#include <zstd.h>

#include <new>

namespace echoscan {
namespace {

constexpr int kZstdLevel = 3;
constexpr int kGzipLevel = 1;
constexpr int kDeflateWindowBits = 15 + 16;  // 16: gzip's header instead of zlib's
constexpr int kGzipMemoryLevel = 8;
constexpr std::size_t kStepBytes = std::size_t{256} << 10;

// Makes room behind `out`; returns where it begins.
char* grow(std::string& out) {
  const std::size_t bytes = out.size();
  out.resize(bytes + kStepBytes);
  return out.data() + bytes;
}

class ZstdEncoder : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (!context_) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  void encode(std::string_view bytes, Flush flush, std::string& out) override {
    const ZSTD_EndDirective directive = flush == Flush::end    ? ZSTD_e_end
                                        : flush == Flush::sync ? ZSTD_e_flush
                                                               : ZSTD_e_continue;
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      ZSTD_outBuffer output{grow(out), kStepBytes, 0};
      left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
      // Only memory can fail here: the parameters are constants.
      if (ZSTD_isError(left) != 0) throw std::bad_alloc();
      out.resize(out.size() - kStepBytes + output.pos);
    } while (input.pos < input.size || (flush != Flush::none && left != 0));
  }

 private:
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
};

class GzipEncoder : public Encoder {
 public:
  GzipEncoder() {
    if (deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kDeflateWindowBits, kGzipMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  void encode(std::string_view bytes, Flush flush, std::string& out) override {
    const int mode = flush == Flush::end    ? Z_FINISH
                     : flush == Flush::sync ? Z_SYNC_FLUSH
                                            : Z_NO_FLUSH;
    // zlib's interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(grow(out));
      stream_.avail_out = kStepBytes;
      deflate(&stream_, mode);
      out.resize(out.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    if (flush == Flush::end) deflateReset(&stream_);
  }

 private:
  z_stream stream_{};
};

}  // namespace

Compression compression_of(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::gzip;
  if (path.ends_with(".zst")) return Compression::zstd;
  return Compression::none;
}

std::unique_ptr<Encoder> make_encoder(Compression compression) {
  if (compression == Compression::gzip) return std::make_unique<GzipEncoder>();
  return std::make_unique<ZstdEncoder>();
}

}  // namespace echoscan
