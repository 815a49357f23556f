// A file under a provisional name: NAME.part until it is complete, then NAME.
//
// It is made by this process alone (O_EXCL), or it is what a killed scan of the same user has left;
// never a link, never another user's, never a file with a second name, since a privileged scan
// would write into it. It is locked, and looked at again behind the lock: the scan that held the
// lock may have finished meanwhile, and then the open file is that scan's result. What a killed
// scan has left is emptied at the first byte and not before, so that a scan which is refused loses
// nothing. At the
// end, the name must still be this file's, and NAME what it was at the beginning; else the file is
// kept under a fresh name (regular_file.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "output/sink/file_place.h"
#include "output/sink/regular_file.h"

namespace echoscan {

// Who may read the file.
enum class Readers {
  as_earlier,  // who could read the one that it replaces; of a new one, as the umask says
  owner,
};

class PartFile : public RegularFile {
 public:
  // Opens the provisional file of what `path` says, which leads to `place`. The error is a sentence
  // as open_output's.
  static tl::expected<std::unique_ptr<ByteSink>, std::string> open(
      const std::string& path, const FilePlace& place, FileContent content,
      Readers readers = Readers::as_earlier);
  // Opens what an earlier leg of a resumed scan has left, to go on behind it.
  static tl::expected<std::unique_ptr<ByteSink>, std::string> reopen(const std::string& path,
                                                                     const FilePlace& place,
                                                                     FileContent content);
  ~PartFile() override;

  Outcome write_some(std::string_view bytes) override;
  Completion finish(int wait_ms) override;
  void keep_earlier() override { keeps_earlier_ = true; }
  int keep_first(std::uint64_t bytes) override;
  [[nodiscard]] bool continues_earlier() const override { return continues_earlier_; }

 private:
  PartFile(int descriptor, Folder folder, FileContent content, const FilePlace& place, bool is_new,
           Readers readers = Readers::as_earlier);
  // Takes the permissions of the earlier file, and locks it: a scan may be appending to it, or be
  // about to end whose result it is. False: errno says why not.
  bool take_earlier();
  // Empties what a killed scan has left, once.
  int begin();
  // Cuts the file to its last whole line or frame, to go on there; an errno.
  int go_on(FileContent content);
  // Whether what has the name is worth more than this.
  [[nodiscard]] bool is_outranked() const;
  // Gives the file its name; an errno.
  int rename_to_name();

  std::string name_;
  std::string part_;
  std::optional<FileId> earlier_;  // what has had the name
  int earlier_file_ = -1;          // the same, open
  bool is_new_;
  Readers readers_;
  bool is_begun_ = false;
  bool keeps_earlier_ = false;
  bool is_earlier_legs_ = false;  // of the same scan
  bool continues_earlier_ = false;
  // A file that had its name gets that back when nothing is written behind its end.
  bool had_name_ = false;
  std::uint64_t left_end_ = 0;
  bool is_finished_ = false;
};

// The provisional name of the file NAME.
std::string part_name(const std::string& name);

}  // namespace echoscan
