#include "scanner/plan/digested_stream.h"

#include <algorithm>
#include <string_view>

namespace echoscan {

// What comes in less than it was asked for has ended.
std::streamsize DigestedStream::Buffer::read(char* out, std::streamsize count) {
  if (is_at_end_) return 0;
  const std::streamsize read = std::max<std::streamsize>(in.sgetn(out, count), 0);
  is_at_end_ = read < count;
  hash.add({out, static_cast<std::size_t>(read)});
  bytes += static_cast<std::uint64_t>(read);
  return read;
}

DigestedStream::Buffer::int_type DigestedStream::Buffer::underflow() {
  const std::streamsize count = read(block.data(), static_cast<std::streamsize>(block.size()));
  if (count == 0) return traits_type::eof();
  setg(block.data(), block.data(), block.data() + count);
  return traits_type::to_int_type(block[0]);
}

// Large pieces go to their reader without a copy in between.
std::streamsize DigestedStream::Buffer::xsgetn(char* out, std::streamsize count) {
  const std::streamsize kept = std::min<std::streamsize>(count, egptr() - gptr());
  out = std::copy_n(gptr(), kept, out);
  gbump(static_cast<int>(kept));
  if (kept == count) return count;
  return kept + read(out, count - kept);
}

std::string DigestedStream::digest() {
  while (buffer_.underflow() != Buffer::traits_type::eof()) continue;
  return buffer_.hash.digest();
}

}  // namespace echoscan
