// What a large list costs: a million random prefixes less 100,000 exclusions, ten million random
// addresses, a cloud's JSON of 10 MB, and 300,000 results, step by step, and the memory at the end.
// Prints figures and asserts none; docs/design.md says what they were, and on what. With the
// argument `addresses` it prints the ten million instead, a list for `echoscan targets`.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "targets/label_map.h"
#include "targets/target_list.h"

namespace echoscan {
namespace {

constexpr std::size_t kPrefixes = 1'000'000;
constexpr std::size_t kExclusions = 100'000;
constexpr std::size_t kAddresses = 10'000'000;
constexpr std::size_t kJsonBytes = 10'000'000;
constexpr std::size_t kResults = 300'000;

class Stopwatch {
 public:
  // Prints the time since the last row.
  void row(const std::string& step, const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> taken = now - last_;
    total_ms_ += taken.count();
    fmt::print("{:<34} {:>8.1f} ms  {}\n", step, taken.count(), what);
    last_ = std::chrono::steady_clock::now();
  }
  [[nodiscard]] double total_ms() const { return total_ms_; }
  void restart() {
    last_ = std::chrono::steady_clock::now();
    total_ms_ = 0;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  double total_ms_ = 0;
};

// Random prefixes of /16 to /32, most of them long, as in routing tables and estates.
std::string random_list(std::size_t count, unsigned seed, bool with_labels) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned length = 32 - static_cast<unsigned>(random() % 9) - (random() % 64 == 0 ? 8 : 0);
    const auto mask = static_cast<std::uint32_t>(~std::uint64_t{0} << (32 - length));
    const Ipv4 network{static_cast<std::uint32_t>(random()) & mask};
    text += to_string(network) + "/" + std::to_string(length);
    if (with_labels) text += fmt::format(" region-{}/service-{}", random() % 40, random() % 50);
    text += '\n';
  }
  return text;
}

std::string random_addresses() {
  std::mt19937 random(4);
  std::string text;
  text.reserve(kAddresses * (kIpv4TextBytesMax + 1));
  for (std::size_t i = 0; i < kAddresses; ++i)
    text += to_string(Ipv4{static_cast<std::uint32_t>(random())}) += '\n';
  return text;
}

std::string random_json() {
  std::mt19937 random(3);
  std::string text = "{\n  \"syncToken\": \"1\",\n  \"prefixes\": [\n";
  while (text.size() < kJsonBytes)
    text += fmt::format(
        "    {{\n      \"ip_prefix\": \"{}/24\",\n      \"region\": \"region-{}\",\n"
        "      \"service\": \"SERVICE-{}\",\n      \"network_border_group\": \"region-{}\"\n"
        "    }},\n",
        to_string(Ipv4{static_cast<std::uint32_t>(random()) & ~std::uint32_t{0xff}}), random() % 40,
        random() % 50, random() % 40);
  return text + "    {\"ip_prefix\": \"192.0.2.0/24\"}\n  ]\n}\n";
}

// As a scan writes them.
std::string random_results() {
  std::mt19937 random(5);
  std::string text;
  for (std::size_t i = 0; i < kResults; ++i) {
    const std::string address = to_string(Ipv4{static_cast<std::uint32_t>(random())});
    text += fmt::format(
        R"({{"type":"reply","ts_us":1795367474980113,"target":"{}","saddr":"{}",)"
        R"("classification":"echoreply","icmp_type":0,"icmp_code":0,"success":true,)"
        R"("repeat":false,"cooldown":false,"rtt_us":9120.441,"ttl":58,"label":"site {}",)"
        "\"shard\":0}}\n",
        address, address, random() % 50);
  }
  return text;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

TargetList read(std::istream& in) {
  TargetList list;
  const tl::expected<void, std::string> is_read = read_target_list(in, "bench", list);
  if (!is_read || list.error_count > 0)
    fmt::print("NOT READ: {}\n", is_read ? "its lines" : is_read.error());
  return list;
}

TargetList read(const std::string& text) {
  std::istringstream in(text);
  return read(in);
}

void measure_lists(bool with_labels) {
  const std::string targets = random_list(kPrefixes, 1, with_labels);
  const std::string holes = random_list(kExclusions, 2, false);
  const double before_mb = peak_mb();
  Stopwatch watch;
  TargetList listed = read(targets);
  watch.row("read 1,000,000 prefixes",
            fmt::format("{:.1f} MB of text", static_cast<double>(targets.size()) / 1e6));
  TargetList excluded = read(holes);
  watch.row("read 100,000 exclusions", "");
  const std::uint64_t repeated = listed.ranges.count_repeated();
  watch.row("count what is listed repeatedly", fmt::format("{} addresses", repeated));
  std::vector<AddressRange> merged = listed.ranges.take_merged();
  watch.row("merge", fmt::format("{} ranges", merged.size()));
  std::vector<AddressRange> left =
      subtract_ranges(std::move(merged), excluded.ranges.take_merged());
  watch.row("subtract", fmt::format("{} ranges", left.size()));
  const TargetSet set(std::move(left));
  watch.row("index", fmt::format("{} addresses", set.size()));
  const LabelMap labels(std::move(listed.labels), listed.entries);
  watch.row("resolve labels", fmt::format("{} labels", labels.label_count() - 1));
  fmt::print("{:<34} {:>8.1f} ms, {:.0f} MB more at the most\n\n",
             with_labels ? "all, with labels" : "all", watch.total_ms(), peak_mb() - before_mb);
}

void measure_addresses() {
  std::istringstream in(random_addresses());
  const double before_mb = peak_mb();
  Stopwatch watch;
  TargetList listed = read(in);
  watch.row("read 10,000,000 addresses", "");
  const std::uint64_t repeated = listed.ranges.count_repeated();
  watch.row("count what is listed repeatedly", fmt::format("{} addresses", repeated));
  const std::vector<AddressRange> merged = listed.ranges.take_merged();
  watch.row("merge", fmt::format("{} ranges", merged.size()));
  fmt::print("{:<34} {:>8.1f} ms, {:.0f} MB more at the most\n\n", "all", watch.total_ms(),
             peak_mb() - before_mb);
}

void measure_json() {
  const std::string text = random_json();
  Stopwatch watch;
  TargetList list = read(text);
  watch.row(fmt::format("read {:.1f} MB of a cloud's JSON", static_cast<double>(text.size()) / 1e6),
            fmt::format("{} prefixes", list.ranges.size()));
}

void measure_results() {
  const std::string text = random_results();
  Stopwatch watch;
  TargetList list = read(text);
  watch.row(fmt::format("read {} results", kResults),
            fmt::format("{:.1f} MB of JSON lines, {} addresses",
                        static_cast<double>(text.size()) / 1e6, list.ranges.size()));
}

}  // namespace
}  // namespace echoscan

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "addresses") {
    fmt::print("{}", echoscan::random_addresses());
    return 0;
  }
  echoscan::measure_lists(false);
  echoscan::measure_lists(true);
  echoscan::measure_addresses();
  echoscan::measure_json();
  echoscan::measure_results();
  return 0;
}
