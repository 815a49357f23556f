#include "scanner/options/named_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/sink/part_file.h"
#include "scanner/checkpoint/checkpoint_file.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

std::string name_of(const std::string& option, const std::string& path) {
  return fmt::format("{} '{}'", option, path);
}

// Whether two uses of it would get in each other's way.
bool is_exclusive(const struct stat& status) {
  return !S_ISCHR(status.st_mode) && !S_ISSOCK(status.st_mode);
}

}  // namespace

void NamedFiles::add_opened(std::vector<Named>& files, int descriptor,
                            const std::string& who) const {
  struct stat status {};
  if (fstat(descriptor, &status) == 0 && is_exclusive(status))
    files.push_back({who, {id_of(status), {}}, true});
}

void NamedFiles::read(const std::string& option, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    struct stat status {};
    if (path == "-") {
      add_opened(inputs_, STDIN_FILENO, "standard input");
    } else if (stat(path.c_str(), &status) == 0 && is_exclusive(status)) {
      inputs_.push_back({name_of(option, path), {id_of(status), {}}});
    }
  }
}

void NamedFiles::read(const TargetConfig& target, const std::string& config_file) {
  read("-t", target.target_files);
  read("--exclude-file", target.exclude_files);
  read("the system-wide list", {target.system_exclude_file});
  read("--config", {config_file});
}

void NamedFiles::write_standard_output() {
  add_opened(outputs_, STDOUT_FILENO, "standard output");
}

void NamedFiles::write(const std::string& option, const std::string& path, OutputMode mode) {
  if (path.empty()) return;
  if (path == "-") return write_standard_output();
  const std::string who = name_of(option, path);
  const tl::expected<FilePlace, std::string> place = find_place(path);
  // Why it leads nowhere is told by who opens it.
  if (!place) return;
  if (place->name.empty())
    throw UserError(ExitCode::bad_usage, who + " is a directory; name a file in it");
  if (place->file && S_ISBLK(place->file->st_mode))
    throw UserError(ExitCode::bad_usage, who + " is a disk, which would be written over");
  add_output(who, *place);
  if (mode != OutputMode::append && !place->is_opened) add_provisional(who, *place);
}

void NamedFiles::write_checkpoint(const std::string& results) {
  const tl::expected<FilePlace, std::string> place = find_place(results);
  if (!place || place->is_opened || place->name.empty()) return;
  const std::string path = checkpoint_path(place->path());
  if (const auto checkpoint = find_place(path)) {
    const std::string who = name_of("the checkpoint", path);
    add_output(who, *checkpoint);
    add_provisional(who, *checkpoint);
  }
  if (const auto lock = find_place(path + ".lock"))
    add_output(name_of("the checkpoint's lock", path + ".lock"), *lock);
  const std::string errors_path = answer_marks_path(place->path());
  if (const auto errors = find_place(errors_path))
    add_output(name_of("the checkpoint's file of errors", errors_path), *errors);
  const std::string lines_path = line_marks_path(place->path());
  if (const auto lines = find_place(lines_path))
    add_output(name_of("the checkpoint's file of lines", lines_path), *lines);
}

void NamedFiles::add_output(const std::string& who, const FilePlace& place) {
  // A folder is nobody's output; who opens it says so.
  if (place.name.empty()) return;
  if (!place.file) {
    outputs_.push_back({who, {id_of(place.folder_status), place.name}});
  } else if (is_exclusive(*place.file)) {
    outputs_.push_back({who, {id_of(*place.file), {}}, place.is_opened});
  }
}

void NamedFiles::add_provisional(const std::string& who, const FilePlace& place) {
  const std::string part = part_name(place.name);
  const std::string part_who = fmt::format("{}, written as '{}' at first,", who, part);
  struct stat status {};
  if (stat((place.folder + "/" + part).c_str(), &status) == 0) {
    outputs_.push_back({part_who, {id_of(status), {}}});
  } else {
    outputs_.push_back({part_who, {id_of(place.folder_status), part}});
  }
}

void NamedFiles::refuse_clashes() const {
  for (auto output = outputs_.begin(); output != outputs_.end(); ++output) {
    for (const Named& input : inputs_)
      if (output->spot == input.spot)
        throw UserError(ExitCode::bad_usage,
                        fmt::format("{} is the same file as {}: what is read would be written over",
                                    output->who, input.who));
    for (auto other = outputs_.begin(); other != output; ++other)
      if (output->spot == other->spot)
        throw UserError(ExitCode::bad_usage,
                        fmt::format("{} is the same file as {}: each needs one of its own",
                                    output->who, other->who));
  }
  std::vector<Named> log;
  add_opened(log, STDERR_FILENO, "standard error");
  if (log.empty()) return;
  const auto refuse_log = [&log](const std::vector<Named>& files) {
    for (const Named& file : files)
      if (!file.is_opened && file.spot == log.front().spot)
        throw UserError(ExitCode::bad_usage,
                        fmt::format("{} is the same file as standard error: each needs one of "
                                    "its own",
                                    file.who));
  };
  refuse_log(inputs_);
  refuse_log(outputs_);
}

}  // namespace echoscan
