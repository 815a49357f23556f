#include "scanner/checkpoint/checkpoint_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "output/sink/output_file.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {
namespace {

constexpr off_t kBytesMax = off_t{64} << 20;

// Why a file is not to be believed; empty: it may be.
std::string why_not_trusted(const struct stat& status, uid_t owner) {
  if (!S_ISREG(status.st_mode)) return "it is not a regular file";
  if (status.st_uid != geteuid() && status.st_uid != owner)
    return fmt::format("it belongs to another user (uid {})", status.st_uid);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write to it";
  if (status.st_size > kBytesMax) return "it is too long";
  return {};
}

tl::expected<std::string, std::string> read_all_of(const FileDescriptor& file,
                                                   const struct stat& status) {
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = pread(file.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return tl::make_unexpected(std::strerror(errno));
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

struct Believed {
  std::string text;
  uid_t owner = 0;
};

// Reads what may be believed.
tl::expected<Believed, std::string> read_all(const std::string& path, uid_t owner) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return tl::make_unexpected(std::strerror(errno));
  struct stat status {};
  fstat(file.get(), &status);
  if (std::string reason = why_not_trusted(status, owner); !reason.empty())
    return tl::make_unexpected(std::move(reason));
  tl::expected<std::string, std::string> text = read_all_of(file, status);
  if (!text) return tl::make_unexpected(std::move(text.error()));
  return Believed{std::move(*text), status.st_uid};
}

}  // namespace

std::string checkpoint_path(const std::string& results) {
  return results + ".scan";
}

std::string answer_marks_path(const std::string& results) {
  return results + ".scan.answers";
}

std::string line_marks_path(const std::string& results) {
  return results + ".scan.lines";
}

std::string write_checkpoint(const Checkpoint& checkpoint, bool is_lasting) {
  return replace_file(checkpoint_path(checkpoint.results), checkpoint_json(checkpoint),
                      OutputMode::secret, is_lasting);
}

void remove_checkpoint(const std::string& results) {
  unlink(checkpoint_path(results).c_str());
}

tl::expected<Checkpoint, std::string> load_checkpoint(const std::string& results, uid_t owner) {
  const std::string path = checkpoint_path(results);
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot go on from '{}': {}", path, reason));
  };
  const tl::expected<Believed, std::string> believed = read_all(path, owner);
  if (!believed) return refusal(believed.error());
  tl::expected<Checkpoint, std::string> checkpoint = read_checkpoint(believed->text);
  if (!checkpoint) return refusal(checkpoint.error());
  checkpoint->owner = believed->owner;
  return std::move(*checkpoint);
}

bool is_foreign(const std::string& results) {
  const std::string path = checkpoint_path(results);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return errno != ENOENT;
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!S_ISREG(status.st_mode) || !file || status.st_size > kBytesMax) return true;
  const tl::expected<std::string, std::string> text = read_all_of(file, status);
  return !text || !is_checkpoint(*text);
}

bool is_finished(const std::string& results) {
  const tl::expected<Checkpoint, std::string> checkpoint = load_checkpoint(results, geteuid());
  return checkpoint && checkpoint->legs.back().why == kFinishedLeg;
}

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

}  // namespace echoscan
