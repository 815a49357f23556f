// How long a resumed scan takes to read its results back, in each format, plain and packed.
//
//   read_back_bench [RESULTS [ENDING]]     10,000,000 when absent, of each kind of file
//
// It writes that many first replies of 79 M targets in 1,000 ranges, in permuted order, as in the
// survey, and reads them as --resume does: ResultReader, the receiver's counts and bitmaps, and
// what senders ask. Each file is dropped from the page cache before it is read, as after a loss of
// power. Prints figures; asserts that every line was read, and no speed.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <span>
#include <vector>

#include "output/aggregate/result_reader.h"
#include "output/sink/output_file.h"
#include "scanner/pipeline/earlier_answers.h"
#include "scanner/pipeline/line_marks.h"
#include "scanner/pipeline/receiver.h"
#include "targets/target_cursor.h"
#include "tests/bench/survey_targets.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchLines = 64;  // as Legs::read_back
constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
constexpr std::int64_t kStartUs = 1'700'000'000'000'000;

[[noreturn]] void die(const std::string& reason) {
  fmt::print(stderr, "read_back_bench: {}\n", reason);
  std::exit(1);
}

// Nobody replies any more.
class SilentSource : public ReplySource {
 public:
  std::size_t receive(std::span<reply> /*replies*/) override { return 0; }
  void stop() override {}
  [[nodiscard]] frame_counters outcomes() const override { return {}; }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override { return false; }
  [[nodiscard]] std::string mode() const override { return "none"; }
};

void write_all(ByteSink& sink, std::string_view bytes) {
  while (!bytes.empty()) {
    const ByteSink::Outcome outcome = sink.write_some(bytes);
    if (outcome.error != 0) die(fmt::format("cannot write: {}", std::strerror(outcome.error)));
    if (outcome.written == 0) sink.wait_writable(100);
    bytes.remove_prefix(outcome.written);
  }
}

std::string marks_of(const std::string& path) {
  return path + ".lines";
}

// Writes what a scan writes; the files' bytes.
std::uint64_t write_results(const std::string& path, ResultFormat::Syntax syntax,
                            const TargetSet& targets, std::size_t count) {
  const ResultFormat format(syntax);
  std::unique_ptr<LineMarks> marks;
  if (!says_all(syntax, {}, false, false)) marks = LineMarks::open(marks_of(path), false).value();
  const auto sink = open_output(path, OutputMode::replace);
  if (!sink) die(sink.error());
  const Permutation permutation(targets.size(), 42);
  TargetCursor cursor(targets, permutation);
  cursor.seek(0, permutation.step_count());
  std::vector<Ipv4> addresses(4096);
  std::string text = format.header();
  std::mt19937_64 random(1);
  for (std::size_t written = 0; written < count;) {
    const std::size_t drawn = std::min(cursor.next(addresses), count - written);
    for (std::size_t i = 0; i < drawn; ++i, ++written) {
      Result result;
      result.received_us = kStartUs + static_cast<std::int64_t>(written);
      result.target = result.responder = addresses[i];
      result.ttl = static_cast<std::uint8_t>(32 + random() % 96);
      result.rtt_ns = 1'000'000 + random() % 300'000'000;
      if (marks) {
        ReadResult mark;
        mark.target = result.target;
        mark.rtt_ns = result.rtt_ns;
        mark.received_us = result.received_us;
        marks->add(mark);
      }
      const std::size_t end = text.size();
      text.resize(end + kLineBytesMax);
      text.resize(
          static_cast<std::size_t>(format.write_line(text.data() + end, result) - text.data()));
    }
    if (text.size() < kChunkBytes && written < count) continue;
    write_all(**sink, text);
    text.clear();
  }
  ByteSink::Completion completion{false, 0};
  while (!completion.is_done) completion = (*sink)->finish(100);
  if (completion.error != 0) die(fmt::format("cannot write: {}", std::strerror(completion.error)));
  if (!marks) return std::filesystem::file_size(path);
  marks->flush();
  return std::filesystem::file_size(path) + std::filesystem::file_size(marks_of(path));
}

// Nothing of it is in memory any more.
void drop_from_cache(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || fsync(file) != 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
    die(fmt::format("cannot drop '{}' from the page cache", path));
  close(file);
}

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Taken {
  double wall_s;
  double cpu_s;
};

Taken read_back(const std::string& path, ResultFormat::Syntax syntax, const TargetSet& targets,
                std::size_t count) {
  const double wall_begin = seconds_of(CLOCK_MONOTONIC);
  const double cpu_begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  MonotonicClock clock;
  ScanState state;
  SilentSource source;
  DescriptorSink nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  ResultWriter writer(nowhere);
  const ResultFormat format(syntax);
  const GeoTable geo;
  const LabelMap labels;
  Receiver receiver(targets, {}, source, geo, format, writer, clock, state, labels, labels);
  EarlierAnswers answers(targets);
  receiver.begin_behind(kStartUs * 1000);
  const auto reader = ResultReader::open(path, syntax, {});
  if (!reader) die(reader.error());
  std::unique_ptr<LineMarks> marks;
  if (!says_all(syntax, {}, false, false)) marks = LineMarks::open(marks_of(path), true).value();
  std::size_t lines = 0;
  std::vector<ReadResult> batch(kBatchLines);
  for (std::size_t read = batch.size(); read == batch.size(); lines += read) {
    read = 0;
    while (read < batch.size() && (*reader)->next(batch[read])) ++read;
    const auto results = std::span(batch).first(read);
    if (marks && marks->complete(results).value() != read) die("a mark is not of its line");
    for (const ReadResult& result : results) answers.prefetch(*receiver.prefetch(result));
    for (const ReadResult& result : results) {
      const std::optional<std::uint64_t> index = receiver.restore(result);
      if (!index) die(fmt::format("{} is there twice", to_string(result.target)));
      answers.add(*index);
    }
  }
  if (!(*reader)->error().empty()) die((*reader)->error());
  if (lines != count || receiver.counters().replied.get() != count)
    die(fmt::format("{} of {} results were read", lines, count));
  return {seconds_of(CLOCK_MONOTONIC) - wall_begin,
          seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu_begin};
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using namespace echoscan;
  using Syntax = ResultFormat::Syntax;
  const long asked = argc > 1 ? std::atol(argv[1]) : 10'000'000;
  const TargetSet targets = survey_targets();
  if (asked < 1 || static_cast<std::uint64_t>(asked) > targets.size())
    die("that many there are not");
  const auto count = static_cast<std::size_t>(asked);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("read_back_bench.{}", getpid());
  std::filesystem::create_directories(folder);
  fmt::print("{} results of {} targets\n", count, targets.size());
  fmt::print("{:12} {:>8} {:>8} {:>8} {:>14}\n", "", "MB", "s", "s of CPU", "M results/s");
  struct Row {
    const char* ending;
    Syntax syntax;
  };
  for (const Row& row :
       {Row{"jsonl", Syntax::jsonl}, Row{"csv", Syntax::csv}, Row{"ip", Syntax::ip},
        Row{"jsonl.zst", Syntax::jsonl}, Row{"jsonl.gz", Syntax::jsonl}}) {
    if (argc > 2 && std::string_view(argv[2]) != row.ending) continue;
    const std::string path = folder / (std::string("found.") + row.ending);
    const std::uint64_t bytes = write_results(path, row.syntax, targets, count);
    drop_from_cache(path);
    if (std::filesystem::exists(marks_of(path))) drop_from_cache(marks_of(path));
    const Taken taken = read_back(path, row.syntax, targets, count);
    fmt::print("{:12} {:>8.0f} {:>8.2f} {:>8.2f} {:>14.2f}\n", row.ending,
               static_cast<double>(bytes) / 1e6, taken.wall_s, taken.cpu_s,
               static_cast<double>(count) / taken.wall_s / 1e6);
    std::filesystem::remove(path);
    std::filesystem::remove(marks_of(path));
  }
  std::filesystem::remove_all(folder);
  return 0;
}
