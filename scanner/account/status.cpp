#include "scanner/account/status.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "scanner/account/progress_text.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

// Whether results that go there may appear on the terminal that messages go to.
bool is_shown(const std::string& path) {
  struct stat status {};
  const int error = path == "-" ? fstat(STDOUT_FILENO, &status) : stat(path.c_str(), &status);
  const dev_t null_device = makedev(1, 3);
  return error == 0 && S_ISCHR(status.st_mode) && status.st_rdev != null_device;
}

}  // namespace

Status::Status(const OutputConfig& output, std::uint64_t started_ns)
    : style_(output.status),
      redraws_(style_ == StatusStyle::text && standing_columns() > 0 && !is_shown(output.path)),
      interval_ns_(style_ == StatusStyle::text && !redraws_ ? kLineIntervalNs : kIntervalNs),
      next_ns_(started_ns + interval_ns_),
      meter_(started_ns) {}

bool Status::is_due(std::uint64_t now_ns) const {
  return style_ != StatusStyle::off && now_ns >= next_ns_;
}

void Status::show(const Snapshot& snapshot) {
  next_ns_ += (1 + (snapshot.taken_ns - next_ns_) / interval_ns_) * interval_ns_;
  if (redraws_) {
    stand_below_messages(progress_bar(meter_.look(snapshot), standing_columns(), is_coloured()));
  } else {
    answer(snapshot);
  }
}

void Status::answer(const Snapshot& snapshot) {
  const Progress progress = meter_.look(snapshot);
  if (style_ == StatusStyle::json) {
    write_to_stderr(progress_json(progress) + "\n");
  } else {
    write_dated(progress_line(progress));
  }
}

void Status::close() {
  if (redraws_) stand_below_messages("");
}

}  // namespace echoscan
