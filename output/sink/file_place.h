// Where a name leads: the file there, links followed, or the folder and the name that it would get.
//
// Two names are one file when device and inode are the same, whatever the names look like; what
// does not exist yet is known by its folder and its name there. Names are followed link by link,
// and not by realpath(3), since the file need not exist, and since a link that another user has
// planted must not lead a privileged scan to a file that is not theirs: such a link is followed
// only to a file of its own owner. What the shell has opened (/dev/fd/3, /proc/self/fd/3) is taken
// as it is: the text of such a link leads nowhere.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <tl/expected.hpp>

namespace echoscan {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

FileId id_of(const struct stat& status);

struct FilePlace {
  std::string folder;  // "." for a name alone
  std::string name;    // in the folder; empty: the path is a folder's
  struct stat folder_status {};
  std::optional<struct stat> file;  // nullopt: there is none yet
  bool is_opened = false;           // a device, or what some process has opened

  [[nodiscard]] std::string path() const { return folder == "." ? name : folder + "/" + name; }
  // Whether others may put files of theirs into the folder.
  [[nodiscard]] bool is_in_shared_folder() const;
};

// Follows `path`, and touches nothing. The error is a reason for people, a clause: "No such file or
// directory".
tl::expected<FilePlace, std::string> find_place(const std::string& path);

}  // namespace echoscan
