// A bag's folder, held open: which files are below it, and these files opened, without ever leaving
// it.
//
// Who made a bag may mean harm. So each part of a path is opened below the one before it, and no
// symbolic link is followed, not even to another file of the bag; a device or a FIFO is not opened
// at all. What is listed is bounded, in number and depth. Used to seal a bag, too, so that what is
// sealed is what is checked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace echoscan {

struct BagFile {
  std::string path;  // below the folder, "data/log.txt"
  std::uint64_t bytes = 0;
  std::string kind;  // of what is no regular file: "a symbolic link"; else empty
};

struct FileDigest {
  std::string digest;  // 64 hexadecimal digits
  std::uint64_t bytes = 0;
};

class BagFolder {
 public:
  static constexpr std::size_t kFilesMax = 100'000;
  static constexpr int kDepthMax = 16;

  // The error is a reason, a clause; so are those of the others.
  static tl::expected<BagFolder, std::string> open(const std::string& path);
  ~BagFolder();
  BagFolder(BagFolder&& other) noexcept;
  BagFolder(const BagFolder&) = delete;
  BagFolder& operator=(const BagFolder&) = delete;

  // All that is below it and no folder, by path.
  [[nodiscard]] tl::expected<std::vector<BagFile>, std::string> list() const;
  // Calls `use` with each piece of a file's bytes, 64 KiB at most; ends early when `use` says no.
  [[nodiscard]] tl::expected<void, std::string> read(
      const std::string& path, const std::function<bool(std::string_view)>& use) const;
  // The error of one that `goes_on` has ended is "interrupted".
  [[nodiscard]] tl::expected<FileDigest, std::string> digest(
      const std::string& path, const std::function<bool()>& goes_on) const;
  // A file's text; one of more than `bytes_max` is an error.
  [[nodiscard]] tl::expected<std::string, std::string> text(const std::string& path,
                                                            std::size_t bytes_max) const;
  // A descriptor of a regular file below the folder, which the caller closes.
  [[nodiscard]] tl::expected<int, std::string> open_file(const std::string& path) const;
  // Whether a regular file is there that can be read.
  [[nodiscard]] bool has(const std::string& path) const;
  // Brings the folder itself, and its folder `data`, to the disk; an errno.
  [[nodiscard]] int sync() const;

 private:
  explicit BagFolder(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace echoscan
