#include "scanner/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "output/bundle/bag_seal.h"
#include "output/bundle/bundle_files.h"
#include "output/bundle/coarse_text.h"
#include "output/report/report_page.h"
#include "output/sink/output_file.h"
#include "output/summary/figure_text.h"
#include "scanner/command/asked_targets.h"
#include "scanner/command/scanned_map.h"
#include "scanner/command/target_report.h"
#include "scanner/options/options_json.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0777;  // less the umask
constexpr mode_t kFileMode = 0666;
constexpr std::uint64_t kReportBytesMax = 20'000'000;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void refuse_folder(const std::string& folder, std::string_view why) {
  throw UserError(ExitCode::output, fmt::format("--bundle '{}': {}", folder, why));
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using Entries = std::unique_ptr<DIR, CloseFolder>;

// Calls `use` with the name of each entry of an open folder.
template <typename Use>
void for_each_entry(int folder, const Use& use) {
  const int copy = openat(folder, ".", kFolderFlags);
  const Entries entries(copy < 0 ? nullptr : fdopendir(copy));
  if (!entries) {
    if (copy >= 0) close(copy);
    return;
  }
  while (const dirent* entry = readdir(entries.get()))
    if (const std::string_view name = entry->d_name; name != "." && name != "..")
      use(entry->d_name);
}

bool is_empty(int folder) {
  bool has_any = false;
  for_each_entry(folder, [&has_any](const char*) { has_any = true; });
  return !has_any;
}

// Refuses what is there already under a name that the scan will need, unless it is an empty folder
// of this user's.
void require_free(int outer, const std::string& name, const std::string& path,
                  const char* why_not) {
  struct stat status {};
  if (fstatat(outer, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) refuse_folder(path, std::strerror(errno));
    return;
  }
  if (!S_ISDIR(status.st_mode)) refuse_folder(path, "it is there already, and is no folder");
  if (status.st_uid != geteuid())
    refuse_folder(path, fmt::format("it belongs to another user (uid {})", status.st_uid));
  const FileDescriptor folder(openat(outer, name.c_str(), kFolderFlags));
  if (!folder) refuse_folder(path, std::strerror(errno));
  if (!is_empty(folder.get())) refuse_folder(path, why_not);
}

FileDescriptor make_folder(int outer, const std::string& name, const std::string& path) {
  if (mkdirat(outer, name.c_str(), kFolderMode) != 0 && errno != EEXIST)
    refuse_folder(path, std::strerror(errno));
  FileDescriptor folder(openat(outer, name.c_str(), kFolderFlags));
  if (!folder) refuse_folder(path, std::strerror(errno));
  return folder;
}

std::string today() {
  constexpr std::size_t kDateBytes = 10;
  constexpr std::int64_t kMillisecondNs = 1'000'000;
  const auto now_ns = static_cast<std::int64_t>(MonotonicClock().now_ns()) + realtime_offset_ns();
  return time_text(now_ns / kMillisecondNs).substr(0, kDateBytes);
}

// What a bundle without addresses leaves out of the summary: who repeats, who answers for others,
// how the scanning host sends, what the user has typed, and the digests of lists, which can be
// guessed at.
Summary without_addresses(Summary summary) {
  summary.receiving.top_repeaters.clear();
  summary.receiving.top_responders.clear();
  summary.origin.host.clear();
  summary.lists.clear();
  summary.origin.arguments.clear();
  summary.notes.clear();
  summary.user_metadata.clear();
  summary.sending.source.clear();
  summary.sending.gateway.clear();
  summary.targets.system_digest.clear();
  for (Summary::Event& event : summary.events) {
    event.what = coarse_text(event.what);
    event.consequence = coarse_text(event.consequence);
  }
  for (Summary::Way& way : summary.ways) {
    way.next_hop.clear();
    way.source.clear();
  }
  return summary;
}

// A sentence for each statement that nobody has made.
void warn_of_silence(const BundleConfig& bundle) {
  std::string lacking;
  const std::pair<const char*, const std::string&> statements[] = {
      {"--contact", bundle.contact}, {"--vantage", bundle.vantage}, {"--ethics", bundle.ethics}};
  for (const auto& [option, text] : statements)
    if (text.empty()) lacking += (lacking.empty() ? "" : ", ") + std::string(option);
  if (!lacking.empty()) log_warning("the bundle has no {}: a reviewer will miss it", lacking);
}

}  // namespace

void emplace_bundle(std::optional<Bundle>& bundle, const ScanConfig& config) {
  if (config.bundle.is_written()) bundle.emplace(config);
}

Bundle::Bundle(const ScanConfig& config)
    : config_(config),
      provisional_(provisional_folder(config.bundle.folder)),
      name_(fs::path(config.bundle.folder).filename().string()),
      log_([is_coarse = config.bundle.is_coarse()](std::string_view line) {
        return is_coarse && has_address(line);
      }) {}

Bundle::~Bundle() {
  if (!is_begun_ && folder_) remove();
}

void Bundle::open() {
  const std::string& folder = config_.bundle.folder;
  const std::string outer = fs::path(folder).parent_path().string();
  outer_ = FileDescriptor(::open(outer.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!outer_) refuse_folder(folder, std::strerror(errno));
  require_free(outer_.get(), name_, folder, "it is there and not empty; name a new folder");
  const std::string part = provisional_folder(name_);
  require_free(outer_.get(), part, provisional_,
               "it is there and not empty: another scan is writing it, or has left it without "
               "becoming whole; keep it under another name, or remove it");
  folder_ = make_folder(outer_.get(), part, provisional_);
  payload_ = make_folder(folder_.get(), "data", provisional_);
  log_file_ = FileDescriptor(openat(payload_.get(), bundle_files::kLog,
                                    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                    kFileMode));
  if (!log_file_) refuse_folder(provisional_, std::strerror(errno));
  log_.write_to(log_file_.get());
  warn_of_silence(config_.bundle);
}

std::string Bundle::path_of(const std::string& name) const {
  return fmt::format("{}/data/{}", provisional_, name);
}

std::string Bundle::write(const std::string& name, const std::string& text) const {
  return replace_file(path_of(name), config_.bundle.is_coarse() ? coarse_text(text) : text,
                      OutputMode::document);
}

std::string Bundle::write_targets(const TargetPlan& plan) const {
  if (config_.bundle.is_coarse())
    return write(bundle_files::kTargets,
                 fmt::format("# sha256:{} is the digest of {} targets in {} ranges, which "
                             "--publish slash24 has left out\n",
                             plan.digest, plan.targets.size(), plan.targets.ranges().size()));
  const std::string path = path_of(bundle_files::kTargets);
  const tl::expected<std::unique_ptr<ByteSink>, std::string> sink =
      open_output(path, OutputMode::document);
  if (!sink) return sink.error();
  int error = 0;
  write_range_lines(plan.targets.ranges(), plan.labels, [&](std::string_view text) {
    // A regular file takes all, or says why not.
    if (error == 0) error = (*sink)->write_some(text).error;
  });
  if (error == 0) error = write_and_finish(**sink, "");
  return error == 0 ? "" : fmt::format("cannot write to '{}': {}", path, std::strerror(error));
}

void Bundle::describe(const TargetPlan& plan, const std::string& doctor) {
  for (const std::string& why : {write(bundle_files::kVersion, "echoscan " ECHOSCAN_VERSION "\n"),
                                 write(bundle_files::kOptions, options_json(config_, plan.seed)),
                                 write(bundle_files::kDoctor, doctor), write_targets(plan)})
    if (!why.empty()) throw UserError(ExitCode::output, why);
}

BagInfo Bundle::info(const TargetPlan& plan, const Summary& summary) const {
  const BundleConfig& bundle = config_.bundle;
  const TargetCounts& counts = plan.counts;
  BagInfo info;
  info.add("Bag-Software-Agent", "echoscan " ECHOSCAN_VERSION);
  info.add("Bagging-Date", today());
  info.add("Contact", bundle.contact);
  info.add("Vantage", bundle.vantage);
  info.add("Ethics", bundle.ethics);
  info.add("Scan-Start", time_text(summary.started_ms));
  info.add("Scan-End", time_text(summary.ended_ms));
  info.add("Scan-Outcome", summary.outcome);
  info.add("Coverage", fmt::format("{} asked of {} targets that have a way",
                                   with_thousands(summary.response.probed),
                                   with_thousands(summary.response.population)));
  info.add("Exclusions",
           fmt::format("{} of {} listed addresses by the user's lists, {} by the system-wide list, "
                       "{} in special-purpose ranges",
                       with_thousands(counts.excluded_by_user), with_thousands(counts.listed),
                       with_thousands(counts.excluded_by_system),
                       with_thousands(counts.excluded_reserved)));
  if (!bundle.is_coarse()) {
    if (!counts.user_digest.empty()) info.add("Exclusions-Digest", "sha256:" + counts.user_digest);
    if (!counts.system_digest.empty())
      info.add("System-Exclusions-Digest", "sha256:" + counts.system_digest);
  }
  info.add("Targets-Digest", summary.targets.digest);
  info.add("Seed", std::to_string(summary.order.seed));
  info.add("Shard", fmt::format("{}/{}", summary.order.shard, summary.order.shards));
  if (bundle.is_coarse())
    info.add("Publication", "by /24: addresses and lists of exclusions are left out");
  return info;
}

struct Bundle::Counted {
  explicit Counted(bool has_labels)
      : aggregate(has_labels ? std::vector{Grouping::slash24, Grouping::country, Grouping::asn,
                                           Grouping::label}
                             : std::vector{Grouping::slash24, Grouping::country, Grouping::asn}) {}

  Aggregate aggregate;
  AggregateReport report;
  bool knows_asked = false;  // of each network and place
};

// A label with an address in it is one more reason to show none.
const LabelMap& Bundle::shown_labels(const TargetPlan& plan) const {
  static const LabelMap none;
  if (!config_.bundle.is_coarse()) return plan.labels;
  for (LabelId label = 0; label < plan.labels.label_count(); ++label)
    if (has_address(plan.labels.text(label))) return none;
  return plan.labels;
}

std::string Bundle::count_results(const TargetPlan& plan, const GeoTable& geo,
                                  const Summary& summary, Counted& counted) const {
  const std::string path = path_of(bundle_results_name(config_.output));
  const auto source = LineSource::open(path);
  if (!source) return source.error();
  for (std::string_view line; (*source)->next(line);)
    if (!counted.aggregate.add_line(line))
      return fmt::format("'{}' has a line that is no result", path);
  if (!(*source)->error().empty())
    return fmt::format("cannot read '{}': {}", path, (*source)->error());
  counted.report.targets = {summary.response.probed, summary.response.population};
  // Where some targets have no way nobody knows how many of a network were to be asked.
  counted.knows_asked = summary.response.population == plan.targets.size();
  if (!counted.knows_asked) return {};
  const LabelMap& labels = shown_labels(plan);
  count_groups(counted.aggregate, plan.targets, labels, geo, counted.report);
  if (summary.response.probed != plan.targets.size())
    count_asked({summary}, plan.targets, labels, geo, counted.report);
  return {};
}

std::string Bundle::make_table(const Counted& counted) const {
  const std::string name = bundle_results_name(config_.output);
  if (std::string why =
          write(bundle_files::kSlash24Results,
                aggregate_csv(counted.aggregate, counted.report, {Grouping::slash24}));
      !why.empty())
    return why;
  if (unlinkat(payload_.get(), name.c_str(), 0) == 0) return {};
  return fmt::format("cannot remove '{}', which has addresses: {}", path_of(name),
                     std::strerror(errno));
}

// Its map has no cell smaller than a /24, so that it is the same in a bundle without addresses.
std::string Bundle::write_report(const TargetPlan& plan, const Summary& summary,
                                 const Counted& counted) const {
  const ReplyMap map =
      scanned_map(counted.aggregate, summary, counted.knows_asked ? &plan.targets : nullptr,
                  shown_labels(plan));
  ReportContent content{summary, counted.aggregate, counted.report, map,
                        is_plain_text(name_) ? name_ : kReportTitle};
  if (!counted.knows_asked) content.why_unknown = "some targets had no way";
  const BundleConfig& bundle = config_.bundle;
  for (const auto& [name, text] :
       {std::pair{"Contact", &bundle.contact}, std::pair{"Vantage", &bundle.vantage},
        std::pair{"Ethics", &bundle.ethics}})
    if (!text->empty()) content.provenance.emplace_back(name, *text);
  const tl::expected<ReportPage, std::string> page = report_page(content, kReportBytesMax);
  // Results, summary and lists are what a bundle is for; a page can be made of them later.
  if (!page) {
    log_warning("the bundle has no report.html: {}", page.error());
    return {};
  }
  return replace_file(path_of(bundle_files::kReport), page->html, OutputMode::document);
}

std::string Bundle::rename_folder() const {
  const std::string part = provisional_folder(name_);
  // An empty folder of that name is replaced; anything else stays.
  if (renameat(outer_.get(), part.c_str(), outer_.get(), name_.c_str()) != 0)
    return fmt::format("'{}' is whole and cannot be called '{}': {}", provisional_,
                       config_.bundle.folder, std::strerror(errno));
  // Some file systems cannot synchronise a folder, and need not.
  if (fsync(outer_.get()) != 0 && errno != EINVAL)
    return fmt::format("'{}' is whole, and its name may not be on the disk: {}",
                       config_.bundle.folder, std::strerror(errno));
  return {};
}

std::string Bundle::complete(const TargetPlan& plan, const GeoTable& geo, const Summary& full,
                             const StopSignals& signals) {
  const bool is_coarse = config_.bundle.is_coarse();
  const Summary summary = is_coarse ? without_addresses(full) : full;
  if (std::string why = write(bundle_files::kSummary, summary_json(summary)); !why.empty())
    return why;
  if (config_.output.syntax == ResultFormat::Syntax::jsonl) {
    Counted counted(!shown_labels(plan).empty());
    if (std::string why = count_results(plan, geo, full, counted); !why.empty()) return why;
    if (is_coarse)
      if (std::string why = make_table(counted); !why.empty()) return why;
    if (std::string why = write_report(plan, summary, counted); !why.empty()) return why;
  } else {
    log_info("the bundle has no report.html, which is made of results that are JSON lines");
  }
  if (const int error = log_.close(); error != 0)
    return fmt::format("cannot write to '{}': {}", path_of(bundle_files::kLog),
                       std::strerror(error));
  const tl::expected<BagTotals, std::string> totals =
      seal_bag(provisional_, info(plan, summary), [&signals] { return !signals.pending_stop(); });
  if (!totals) return totals.error();
  if (std::string why = rename_folder(); !why.empty()) return why;
  log_info("the bundle '{}' is whole: {}, {} bytes; 'echoscan verify' checks it",
           config_.bundle.folder, counted(totals->files, "file"), with_thousands(totals->bytes));
  return {};
}

ExitCode Bundle::finish(const TargetPlan& plan, const GeoTable& geo, const Summary& summary,
                        ExitCode code, const StopSignals& signals) {
  std::string why = "results are lost";
  if (code != ExitCode::output) {
    try {
      why = complete(plan, geo, summary, signals);
    } catch (const std::exception& error) {
      why = error.what();
    }
  }
  if (why.empty()) return code;
  write_to_stderr(fmt::format("echoscan: the bundle is not whole, and what there is of it is in "
                              "'{}': {}\n",
                              provisional_, why),
                  LogLevel::error);
  return ExitCode::output;
}

// Files are this scan's where the log is, which nobody else can have made. A folder with others'
// files in it stays.
void Bundle::remove() const {
  if (log_file_)
    for_each_entry(payload_.get(), [this](const char* name) { unlinkat(payload_.get(), name, 0); });
  unlinkat(folder_.get(), "data", AT_REMOVEDIR);
  unlinkat(outer_.get(), provisional_folder(name_).c_str(), AT_REMOVEDIR);
}

}  // namespace echoscan
