#include "output/aggregate/line_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "targets/unpacker.h"

namespace echoscan {
namespace {

// What is read is parsed while it is still in the CPU's second cache.
constexpr std::size_t kInputBytes = std::size_t{64} << 10;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

tl::expected<std::unique_ptr<LineSource>, std::string> LineSource::open(const std::string& path) {
  const int descriptor = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return tl::make_unexpected(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  return take(descriptor, path);
}

tl::expected<std::unique_ptr<LineSource>, std::string> LineSource::take(int descriptor,
                                                                        const std::string& name) {
  std::unique_ptr<LineSource> source(new LineSource(descriptor));
  // The first bytes decide how to unpack; a pipe may give them one by one.
  std::string begin;
  while (begin.size() < Unpacker::kMagicBytes && source->read_input()) begin += source->input_;
  source->input_ = std::move(begin);
  if (!source->error_.empty())
    return tl::make_unexpected(fmt::format("cannot read '{}': {}", name, source->error_));
  source->unpacker_ = make_unpacker(source->input_);
  return source;
}

LineSource::LineSource(int descriptor)
    : descriptor_(descriptor), buffer_(kBufferBytes + kPaddingBytes, '\0') {}

LineSource::~LineSource() {
  if (descriptor_ != STDIN_FILENO) close(descriptor_);
}

bool LineSource::read_input() {
  input_.resize(kInputBytes);
  ssize_t bytes = 0;
  do {
    bytes = read(descriptor_, input_.data(), input_.size());
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) error_ = std::strerror(errno);
  input_.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return bytes > 0;
}

bool LineSource::refill() {
  if (is_at_end_) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (true) {
    std::string_view input = input_;
    const std::span<char> room(buffer_.data() + end_, kBufferBytes - end_);
    std::size_t bytes = 0;
    if (unpacker_) {
      bytes = unpacker_->unpack(input, room);
    } else {
      bytes = input.copy(room.data(), room.size());
      input.remove_prefix(bytes);
    }
    input_.erase(0, input_.size() - input.size());
    end_ += bytes;
    if (bytes > 0) return true;
    const bool is_damaged = unpacker_ && !unpacker_->failure().empty();
    if (!is_damaged && (!input_.empty() || read_input())) continue;
    is_at_end_ = true;
    if (unpacker_) unpacker_->finish();
    if (error_.empty() && unpacker_) error_ = unpacker_->failure();
    return false;
  }
}

bool LineSource::next(std::string_view& line) {
  std::size_t searched = begin_;
  while (true) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (found) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      line = {buffer_.data() + begin_, end - begin_};
      begin_ = end + 1;
      ++line_number_;
      return true;
    }
    const std::size_t kept = end_ - begin_;
    if (kept < kBufferBytes && refill()) {
      searched = kept;
      continue;
    }
    if (begin_ == end_) return false;
    line = {buffer_.data() + begin_, end_ - begin_};
    begin_ = end_;
    ++line_number_;
    return true;
  }
}

}  // namespace echoscan
