// What a bench found: a row per method, as text for people and as JSON.
//
// Beside a method's own count stands what the interface counted meanwhile, so that no method can
// lie. CPU time is the whole process's, since a method may have threads of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace echoscan {

struct BenchRow {
  std::string method;
  std::string mode;         // as obtained: "AF_XDP copy"
  std::string unavailable;  // why it cannot run here, a clause; empty when it ran
  double seconds = 0;
  double cpu_s = 0;  // of the process, user and system
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;            // by the kernel, sent again or not
  std::uint64_t interface_packets = 0;  // counted by the interface itself
};

struct BenchTable {
  std::string interface;
  std::string destination;
  std::string version;
  unsigned streams = 1;
  std::size_t frame_bytes = 0;
  double duration_s = 0;
  bool is_complete = true;  // false when it was interrupted
  std::vector<BenchRow> rows;
};

// Sorts the rows: the fastest method first, those that cannot run last.
void sort_rows(BenchTable& table);
// The table for people, with a line on the circumstances below it.
std::string bench_text(const BenchTable& table);
std::string bench_json(const BenchTable& table);

}  // namespace echoscan
