// Results a second, from ring record to write(2): the real receiver fed with recorded records.
//
//   result_bench [ROUNDS]
//
// It feeds 2 M replies of 79 M targets in 1,000 ranges, in permuted order, as in the survey:
// without geo, and with countries and systems from two databases of a million networks each, made
// here; and as many replies of one target. CPU is the receiver thread's own; the reader of the pipe
// and the compressor run beside it. Prints medians; asserts that every line left, and no speed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <random>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/sink/output_file.h"
#include "scanner/pipeline/receiver.h"
#include "targets/target_cursor.h"
#include "tests/bench/survey_targets.h"
#include "tests/output/mmdb_writer.h"

namespace echoscan {
namespace {

constexpr std::size_t kReplies = 2'000'000;
constexpr std::uint32_t kNetworks = 1'000'000;

class RecordedSource : public ReplySource {
 public:
  RecordedSource(const std::vector<reply>& records, ScanState& state)
      : records_(records), state_(state) {}
  std::size_t receive(std::span<reply> replies) override {
    const std::size_t count = std::min(replies.size(), records_.size() - next_);
    std::copy_n(records_.begin() + static_cast<std::ptrdiff_t>(next_), count, replies.begin());
    next_ += count;
    if (next_ == records_.size()) state_.stop_receiving = true;
    return count;
  }
  void stop() override {}
  [[nodiscard]] frame_counters outcomes() const override { return {}; }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override { return false; }
  [[nodiscard]] std::string mode() const override { return "recorded"; }

 private:
  const std::vector<reply>& records_;
  ScanState& state_;
  std::size_t next_ = 0;
};

std::vector<reply> record_replies(const TargetSet& targets) {
  const Permutation permutation(targets.size(), 42);
  TargetCursor cursor(targets, permutation);
  cursor.seek(0, permutation.step_count());
  std::vector<Ipv4> addresses(kReplies);
  for (std::size_t i = 0; i < addresses.size();) i += cursor.next(std::span(addresses).subspan(i));
  std::vector<reply> records;
  std::mt19937_64 random(1);
  std::uint64_t now_ns = 1'000'000'000;
  for (const Ipv4 address : addresses) {
    reply record{};
    record.received_ns = now_ns += 1000;
    record.sent_ns = now_ns - 1'000'000 - random() % 300'000'000;
    record.target = record.responder = address.value;
    record.ttl = static_cast<std::uint8_t>(32 + random() % 96);
    records.push_back(record);
  }
  return records;
}

// As many of one target: a host that answers one probe for as long as it likes.
std::vector<reply> record_flood(const std::vector<reply>& replies) {
  std::vector<reply> records = replies;
  for (reply& record : records) record.target = record.responder = replies.front().target;
  return records;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::unique_ptr<ByteSink> open_or_die(const std::string& path) {
  tl::expected<std::unique_ptr<ByteSink>, std::string> sink =
      open_output(path, OutputMode::replace);
  if (!sink) {
    fmt::print(stderr, "result_bench: {}\n", sink.error());
    std::exit(1);
  }
  return std::move(*sink);
}

struct Speed {
  double cpu_per_s;
  double wall_per_s;
};

Speed measure(const TargetSet& targets, const std::vector<reply>& records, const GeoTable& geo,
              ResultFormat::Syntax syntax, ByteSink& sink) {
  MonotonicClock clock;
  ScanState state;
  RecordedSource source(records, state);
  ResultWriter writer(sink);
  const ResultFormat format(syntax);
  const LabelMap labels;
  Receiver receiver(targets, {0, ScanId(42)}, source, geo, format, writer, clock, state, labels,
                    labels);
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu_seconds();
  receiver.run([] {});
  const double cpu = cpu_seconds() - cpu_begin;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  const std::uint64_t replied = receiver.counters().replied.get();
  if (writer.error() != 0 || writer.lines() != replied || writer.backlog_bytes() != 0 ||
      replied + receiver.counters().repeats.get() != records.size()) {
    fmt::print(stderr, "result_bench: {} lines of {}, error {}\n", writer.lines(), replied,
               writer.error());
    std::exit(1);
  }
  const auto count = static_cast<double>(records.size());
  return {count / cpu, count / wall.count()};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using namespace echoscan;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string folder = std::filesystem::temp_directory_path() / "echoscan_result_bench";
  std::filesystem::create_directories(folder);
  const TargetSet targets = survey_targets();
  const std::vector<reply> records = record_replies(targets);
  const std::vector<reply> flood = record_flood(records);
  const GeoTable nothing;
  GeoTable geo;
  const auto begin = std::chrono::steady_clock::now();
  for (const SyntheticKind kind : {SyntheticKind::country, SyntheticKind::asn}) {
    synthetic_mmdb(kind, kNetworks, static_cast<std::uint64_t>(kind)).write(folder + "/geo.mmdb");
    const tl::expected<void, std::string> added = geo.add_database(folder + "/geo.mmdb");
    if (!added) fmt::print(stderr, "{}\n", added.error());
  }
  const std::chrono::duration<double> made = std::chrono::steady_clock::now() - begin;
  fmt::print("{} replies, {} targets; {} networks, {} records, made and loaded in {:.1f} s\n",
             records.size(), targets.size(), geo.networks().size(), geo.record_count(),
             made.count());

  struct Row {
    const char* name;
    const GeoTable& geo;
    ResultFormat::Syntax syntax;
    std::string path;  // "|": a pipe to cat
    const std::vector<reply>& replies;
    std::vector<double> cpu{}, wall{};
  };
  using Syntax = ResultFormat::Syntax;
  std::vector<Row> rows = {
      {"jsonl to /dev/null", nothing, Syntax::jsonl, "/dev/null", records},
      {"jsonl to | cat >/dev/null", nothing, Syntax::jsonl, "|", records},
      {"csv to /dev/null", nothing, Syntax::csv, "/dev/null", records},
      {"ip to /dev/null", nothing, Syntax::ip, "/dev/null", records},
      {"jsonl with geo to /dev/null", geo, Syntax::jsonl, "/dev/null", records},
      {"jsonl with geo to | cat >/dev/null", geo, Syntax::jsonl, "|", records},
      {"jsonl to .zst", nothing, Syntax::jsonl, folder + "/found.zst", records},
      {"jsonl to .gz", nothing, Syntax::jsonl, folder + "/found.gz", records},
      {"repeats of one target, not written", nothing, Syntax::jsonl, "/dev/null", flood}};
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : rows) {
      FILE* cat = row.path == "|" ? popen("cat >/dev/null", "w") : nullptr;
      std::unique_ptr<ByteSink> sink =
          cat ? std::make_unique<DescriptorSink>(dup(fileno(cat))) : open_or_die(row.path);
      const Speed speed = measure(targets, row.replies, row.geo, row.syntax, *sink);
      row.cpu.push_back(speed.cpu_per_s / 1e6);
      row.wall.push_back(speed.wall_per_s / 1e6);
      // Before cat is waited for: it reads until the last writer is gone.
      sink.reset();
      if (cat) pclose(cat);
    }
  }
  fmt::print("{:36} {:>14} {:>14}\n", "", "M/s of CPU", "M/s of time");
  for (const Row& row : rows)
    fmt::print("{:36} {:>14.2f} {:>14.2f}\n", row.name, median(row.cpu), median(row.wall));
  std::filesystem::remove_all(folder);
  return 0;
}
