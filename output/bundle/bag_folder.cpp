#include "output/bundle/bag_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "output/bundle/sha256.h"

namespace echoscan {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

std::string kind_of(mode_t mode) {
  if (S_ISREG(mode)) return {};
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Adds what is below the open folder, whose path is `prefix`; why it could not, empty: it could.
std::string add_files(Descriptor folder, const std::string& prefix, int depth,
                      std::vector<BagFile>& files) {
  if (depth > BagFolder::kDepthMax) return fmt::format("'{}' is nested too deeply", prefix);
  const int number = folder.get();
  const std::unique_ptr<DIR, CloseFolder> entries(fdopendir(number));
  if (!entries) return fmt::format("'{}': {}", prefix, std::strerror(errno));
  folder.release();
  errno = 0;
  while (const dirent* entry = readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = prefix + name;
    struct stat status {};
    if (fstatat(number, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fmt::format("'{}': {}", path, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) {
      Descriptor inner(openat(number, name.c_str(), kFolderFlags));
      if (inner.get() < 0) return fmt::format("'{}': {}", path, std::strerror(errno));
      if (std::string why = add_files(std::move(inner), path + "/", depth + 1, files); !why.empty())
        return why;
    } else {
      if (files.size() == BagFolder::kFilesMax)
        return fmt::format("it has more than {} files", BagFolder::kFilesMax);
      files.push_back({path, static_cast<std::uint64_t>(status.st_size), kind_of(status.st_mode)});
    }
    errno = 0;
  }
  return errno == 0 ? "" : fmt::format("'{}': {}", prefix, std::strerror(errno));
}

}  // namespace

tl::expected<BagFolder, std::string> BagFolder::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return tl::make_unexpected(std::strerror(errno));
  return BagFolder(descriptor);
}

BagFolder::BagFolder(BagFolder&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

BagFolder::~BagFolder() {
  if (descriptor_ >= 0) close(descriptor_);
}

tl::expected<std::vector<BagFile>, std::string> BagFolder::list() const {
  // The copy's position in the folder is its own.
  Descriptor copy(openat(descriptor_, ".", kFolderFlags));
  if (copy.get() < 0) return tl::make_unexpected(std::strerror(errno));
  std::vector<BagFile> files;
  if (std::string why = add_files(std::move(copy), "", 1, files); !why.empty())
    return tl::make_unexpected(std::move(why));
  std::ranges::sort(files, {}, &BagFile::path);
  return files;
}

tl::expected<int, std::string> BagFolder::open_file(const std::string& path) const {
  Descriptor folder(dup(descriptor_));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = path.find('/', begin)) != path.npos; begin = end + 1) {
    Descriptor inner(openat(folder.get(), path.substr(begin, end - begin).c_str(), kFolderFlags));
    if (inner.get() < 0) return tl::make_unexpected(std::strerror(errno));
    folder = std::move(inner);
  }
  // A FIFO would hold an opening without O_NONBLOCK.
  Descriptor file(openat(folder.get(), path.substr(begin).c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0)
    return tl::make_unexpected(errno == ELOOP ? "it is a symbolic link" : std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return tl::make_unexpected("it is no regular file");
  return file.release();
}

tl::expected<void, std::string> BagFolder::read(
    const std::string& path, const std::function<bool(std::string_view)>& use) const {
  const tl::expected<int, std::string> opened = open_file(path);
  if (!opened) return tl::make_unexpected(opened.error());
  const Descriptor file(*opened);
  std::array<char, kPieceBytes> piece;
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::make_unexpected(std::strerror(errno));
    if (got == 0 || !use({piece.data(), static_cast<std::size_t>(got)})) return {};
  }
}

tl::expected<FileDigest, std::string> BagFolder::digest(
    const std::string& path, const std::function<bool()>& goes_on) const {
  Sha256 hash;
  FileDigest file;
  bool is_ended = false;
  const tl::expected<void, std::string> done = read(path, [&](std::string_view piece) {
    hash.add(piece);
    file.bytes += piece.size();
    is_ended = !goes_on();
    return !is_ended;
  });
  if (!done) return tl::make_unexpected(done.error());
  if (is_ended) return tl::make_unexpected("interrupted");
  file.digest = hash.digest();
  return file;
}

tl::expected<std::string, std::string> BagFolder::text(const std::string& path,
                                                       std::size_t bytes_max) const {
  std::string text;
  const tl::expected<void, std::string> done = read(path, [&](std::string_view piece) {
    text += piece;
    return text.size() <= bytes_max;
  });
  if (!done) return tl::make_unexpected(done.error());
  if (text.size() > bytes_max)
    return tl::make_unexpected(fmt::format("it has more than {} bytes", bytes_max));
  return text;
}

bool BagFolder::has(const std::string& path) const {
  const tl::expected<int, std::string> file = open_file(path);
  if (file) close(*file);
  return file.has_value();
}

int BagFolder::sync() const {
  const Descriptor data(openat(descriptor_, "data", kFolderFlags));
  // Some file systems cannot synchronise a folder, and need not.
  for (const int folder : {data.get(), descriptor_})
    if (fsync(folder) != 0 && errno != EINVAL) return errno;
  return 0;
}

}  // namespace echoscan
