#include "scanner/command/bench_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "output/summary/figure_text.h"
#include "scanner/process/kernel_version.h"

namespace echoscan {
namespace {

double per(double amount, double count) {
  return count > 0 ? amount / count : 0;
}

double rate_pps(const BenchRow& row) {
  return per(static_cast<double>(row.sent), row.seconds);
}

double rate_mbps(const BenchTable& table, const BenchRow& row) {
  return rate_pps(row) * static_cast<double>(table.frame_bytes) * 8 / 1e6;
}

double ns_per_packet(const BenchRow& row) {
  return per(row.seconds * 1e9, static_cast<double>(row.sent));
}

double cpu_s_per_million(const BenchRow& row) {
  return per(row.cpu_s * 1e6, static_cast<double>(row.sent));
}

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "";
}

}  // namespace

void sort_rows(BenchTable& table) {
  std::ranges::stable_sort(table.rows, std::greater<>(), rate_pps);
}

std::string bench_text(const BenchTable& table) {
  std::string text = fmt::format("{:<12} {:>12} {:>9} {:>10} {:>9} {:>13} {:>11} {:>13}  {}\n",
                                 "method", "packets/s", "Mb/s", "ns/packet", "CPU s/M", "sent",
                                 "refused", "interface", "how");
  for (const BenchRow& row : table.rows) {
    if (!row.unavailable.empty()) {
      text += fmt::format("{:<12} cannot run here: {}\n", row.method, row.unavailable);
      continue;
    }
    text += fmt::format("{:<12} {:>12} {:>9.1f} {:>10.0f} {:>9.2f} {:>13} {:>11} {:>13}  {}\n",
                        row.method, with_thousands(static_cast<std::uint64_t>(rate_pps(row))),
                        rate_mbps(table, row), ns_per_packet(row), cpu_s_per_million(row),
                        with_thousands(row.sent), with_thousands(row.refused),
                        with_thousands(row.interface_packets), row.mode);
  }
  text += fmt::format(
      "\n{} to {}, {} stream{}, frames of {} bytes, {} s each{}; Linux {}, {} CPUs ({})\n",
      table.interface, table.destination, table.streams, plural(table.streams), table.frame_bytes,
      table.duration_s, table.is_complete ? "" : " (interrupted)", kernel_release(),
      std::thread::hardware_concurrency(), cpu_model());
  return text;
}

std::string bench_json(const BenchTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const BenchRow& row : table.rows) {
    if (!row.unavailable.empty()) {
      rows.push_back({{"method", row.method}, {"unavailable", row.unavailable}});
      continue;
    }
    rows.push_back({{"method", row.method},
                    {"mode", row.mode},
                    {"rate_pps", rate_pps(row)},
                    {"rate_mbps", rate_mbps(table, row)},
                    {"ns_per_packet", ns_per_packet(row)},
                    {"cpu_s_per_million", cpu_s_per_million(row)},
                    {"seconds", row.seconds},
                    {"sent", row.sent},
                    {"refused", row.refused},
                    {"interface_tx_packets", row.interface_packets}});
  }
  const nlohmann::ordered_json json = {{"type", "bench"},
                                       {"version", table.version},
                                       {"interface", table.interface},
                                       {"dst", table.destination},
                                       {"streams", table.streams},
                                       {"frame_bytes", table.frame_bytes},
                                       {"duration_s", table.duration_s},
                                       {"complete", table.is_complete},
                                       {"kernel", kernel_release()},
                                       {"cpus", std::thread::hardware_concurrency()},
                                       {"cpu", cpu_model()},
                                       {"rows", std::move(rows)}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
