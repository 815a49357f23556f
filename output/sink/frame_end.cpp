#include "output/sink/frame_end.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace echoscan {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kSearchedBytes = std::uint64_t{8} << 20;
constexpr std::size_t kUnpackedBytes = std::size_t{64} << 10;
constexpr int kInflateWindowBits = 15 + 16;

// What begins at the front of some bytes.
struct Frame {
  enum class Kind { none, half, whole };
  Kind kind = Kind::none;
  std::size_t bytes = 0;  // of a whole one
};

Frame measure_zstd(std::string_view bytes) {
  const std::size_t size = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
  if (ZSTD_isError(size) == 0) return {Frame::Kind::whole, size};
  const bool is_cut = ZSTD_getErrorCode(size) == ZSTD_error_srcSize_wrong;
  return {is_cut ? Frame::Kind::half : Frame::Kind::none};
}

Frame measure_gzip(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kInflateWindowBits) != Z_OK) return {};
  // zlib's interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::array<Bytef, kUnpackedBytes> unpacked;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = unpacked.data();
    stream.avail_out = static_cast<uInt>(unpacked.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  const std::size_t size = stream.total_in;
  inflateEnd(&stream);
  if (status == Z_STREAM_END) return {Frame::Kind::whole, size};
  return {status == Z_BUF_ERROR ? Frame::Kind::half : Frame::Kind::none};
}

}  // namespace

std::optional<std::uint64_t> find_half_frame(int descriptor, std::uint64_t size,
                                             Compression compression) {
  const std::uint64_t begin = size - std::min(size, kSearchedBytes);
  std::string bytes(size - begin, '\0');
  if (pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(begin)) !=
      static_cast<ssize_t>(bytes.size()))
    return std::nullopt;
  const std::string_view magic =
      compression == Compression::gzip ? "\x1f\x8b\x08"sv : "\x28\xb5\x2f\xfd"sv;
  const auto measure = compression == Compression::gzip ? measure_gzip : measure_zstd;
  const auto is_half = [&](std::string_view rest) {
    if (rest.size() < magic.size()) return rest == magic.substr(0, rest.size());
    return measure(rest).kind == Frame::Kind::half;
  };
  // From the end, since the last whole frame is what matters.
  for (std::size_t at = bytes.rfind(magic); at != std::string::npos;
       at = at == 0 ? std::string::npos : bytes.rfind(magic, at - 1)) {
    const Frame frame = measure(std::string_view(bytes).substr(at));
    if (frame.kind != Frame::Kind::whole) continue;
    const std::size_t end = at + frame.bytes;
    if (end == bytes.size()) return std::nullopt;
    if (is_half(std::string_view(bytes).substr(end))) return begin + end;
  }
  if (begin == 0 && size > 0 && is_half(bytes)) return 0;
  return std::nullopt;
}

}  // namespace echoscan
