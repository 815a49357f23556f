#include "scanner/account/status.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

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

void Status::Reader::begin(std::uint64_t started_ns) {
  meter = ProgressMeter(started_ns);
  next_ns = started_ns + interval_ns;
}

void Status::Reader::set_next(std::uint64_t now_ns) {
  if (now_ns >= next_ns) next_ns += (1 + (now_ns - next_ns) / interval_ns) * interval_ns;
}

Status::Status(const OutputConfig& output)
    : style_(output.status),
      redraws_(style_ == StatusStyle::text && standing_columns() > 0 && !is_shown(output.path)) {
  const auto interval_ns = static_cast<std::uint64_t>(output.status_interval_s * 1e9);
  line_.is_there = style_ != StatusStyle::off;
  line_.interval_ns = style_ == StatusStyle::text && !redraws_
                          ? std::max(kLineIntervalNs, interval_ns)
                          : interval_ns;
  if (!output.status_file.empty()) file_ = std::make_unique<StatusFile>(output.status_file);
  if (output.metrics) {
    metrics_ = std::make_unique<MetricsServer>(output.metrics->address, output.metrics->port);
    // Who asks before there are figures gets the names of those that have no labels.
    Progress nothing;
    nothing.taken_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
    metrics_->put(page_.make({}, nothing));
    log_info("metrics: port {} of {}, /metrics", metrics_->port(), output.metrics->address);
  }
  published_.is_there = file_ || metrics_;
  published_.interval_ns = interval_ns;
}

void Status::introduce(const TargetPlan& plan) {
  scan_id_ = plan.scan_id.text();
  for (std::size_t i = 0; i < plan.ways.shares.size(); ++i) {
    const WayShare& share = plan.ways.shares[i];
    ways_.push_back({kind_name(share.way.kind), share.interface_name, next_hop_text(share.way),
                     plan.targets_by_way[i + 1]});
  }
}

void Status::begin(std::uint64_t started_ns) {
  line_.begin(started_ns);
  published_.begin(started_ns);
}

bool Status::is_due(std::uint64_t now_ns) const {
  return line_.is_due(now_ns) || published_.is_due(now_ns);
}

Progress Status::look(Reader& reader, const Snapshot& snapshot) const {
  Progress progress = reader.meter.look(snapshot);
  progress.scan_id = scan_id_;
  progress.has_ended = has_ended_;
  progress.messages_dropped = dropped_messages();
  progress.ways = ways_;
  // One way alone is not counted by its label: it has all.
  if (snapshot.handed_over_by_way.empty() && ways_.size() == 1) {
    progress.ways[0].sent = snapshot.sum(&SenderFigures::handed_over);
    progress.ways[0].replied = progress.replied;
  }
  for (std::size_t i = 0; i + 1 < snapshot.handed_over_by_way.size() && i < ways_.size(); ++i) {
    progress.ways[i].sent = snapshot.handed_over_by_way[i + 1];
    progress.ways[i].replied = snapshot.replied_by_way[i + 1];
  }
  return progress;
}

void Status::say(const Progress& progress) const {
  if (style_ == StatusStyle::json) {
    write_to_stderr(progress_json(progress) + "\n");
  } else {
    write_dated(progress_line(progress));
  }
}

void Status::publish(const Snapshot& snapshot) {
  published_.set_next(snapshot.taken_ns);
  const Progress progress = look(published_, snapshot);
  if (file_) file_->put(progress_json(progress) + "\n");
  if (metrics_) metrics_->put(page_.make(snapshot, progress));
}

void Status::show(const Snapshot& snapshot) {
  if (line_.is_due(snapshot.taken_ns)) {
    line_.set_next(snapshot.taken_ns);
    const Progress progress = look(line_, snapshot);
    if (redraws_) {
      stand_below_messages(progress_bar(progress, standing_columns(), is_coloured()));
    } else {
      say(progress);
    }
  }
  if (published_.is_due(snapshot.taken_ns)) publish(snapshot);
}

void Status::answer(const Snapshot& snapshot) {
  say(look(line_, snapshot));
}

void Status::close(const Snapshot& snapshot) {
  has_ended_ = true;
  if (redraws_) stand_below_messages("");
  if (style_ == StatusStyle::json) say(look(line_, snapshot));
  if (published_.is_there) publish(snapshot);
}

}  // namespace echoscan
