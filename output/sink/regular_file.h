// A regular file that is written at its end, and is whole whatever ends the writing.
//
// A disk that runs full takes a part of what it is given, so that the file would end in half a
// line, or in a compressed frame that nobody can read. Such a file is cut back to the last place
// where it was whole: the end of a line, or what mark_whole() names. And the lines must have a
// name at the end: where somebody has removed the file, or has put another one under its name, it
// is kept under a fresh one, NAME.1 or the next that is free. Rejected: a copy under a hidden name
// from the beginning, which a killed scan would leave. One thread writes and finishes.
#pragma once

#include <cstdint>
#include <string>

#include "output/sink/byte_sink.h"
#include "output/sink/file_place.h"

namespace echoscan {

// A folder that is held open, so that a file gets its name in it wherever the folder is moved.
class Folder {
 public:
  // errno says why it is not open.
  explicit Folder(const std::string& path);
  ~Folder();
  Folder(Folder&& other) noexcept;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // What has this name here; nullopt: nothing.
  [[nodiscard]] std::optional<FileId> find(const std::string& name) const;

 private:
  int descriptor_;
};

// Where a file may end, if it has to before its time.
enum class FileContent {
  lines,     // behind any line
  frames,    // where mark_whole() was called
  document,  // nowhere: a part of it is of no use
};

class RegularFile : public DescriptorSink {
 public:
  // Takes the descriptor, which can be read too, of a file in `folder`; writing begins at `end`.
  RegularFile(int descriptor, Folder folder, FileContent content, std::uint64_t end);
  // Leaves no half line.
  ~RegularFile() override;

  // After an error, what does not end in the file is not counted as written.
  Outcome write_some(std::string_view bytes) override;
  Completion finish(int wait_ms) override;
  void mark_whole() override { whole_ = end_; }
  [[nodiscard]] std::string remark() const override { return remark_; }
  [[nodiscard]] std::uint64_t end() const override { return end_; }

 protected:
  [[nodiscard]] const Folder& folder() const { return folder_; }
  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] FileId id() const;
  [[nodiscard]] bool has_name() const;
  // Whether nothing in the file is worth keeping.
  [[nodiscard]] bool is_useless() const;
  // Puts the file under a fresh name that begins with `name`, and remarks that, beginning with
  // `why`. Returns the errno that says so in a summary.
  int keep_elsewhere(const std::string& name, const std::string& why);
  void add_remark(const std::string& sentence) { remark_ = sentence; }
  // Moves what is behind `begin` into a new file whose name begins with `name`, and remarks that,
  // beginning with `why`. An errno.
  int set_aside(std::uint64_t begin, const std::string& name, const std::string& why);
  // Empties the file; false: errno says why not.
  bool empty();
  // Ends the file there, to write on from there; an errno.
  int cut_to(std::uint64_t end);

 private:
  // Cuts what is behind the last whole part, unless somebody else has written there.
  void cut();
  // Copies what is behind `begin` into the new file `name`; an errno.
  int copy_to(const std::string& name, std::uint64_t begin);

  int file_;
  Folder folder_;
  FileContent content_;
  std::uint64_t end_;
  std::uint64_t whole_;
  std::string remark_;
};

}  // namespace echoscan
