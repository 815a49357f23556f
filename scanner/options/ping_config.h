// What `echoscan ping` is to ask, how patiently, and what it is to print.
//
// Letters are fping's where it has them, as -a and -u, and values are its defaults, since that is
// what whoever types them expects. -i is the interval here and not the interface: a ping finds that
// by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "targets/address.h"

namespace echoscan {

struct PingConfig {
  enum class Output {
    lines,        // for people: each answer, the silent ones, a sum
    alive,        // the addresses that answer
    unreachable,  // those that do not
    json,         // a result as a scan writes it, and a line for each that does not answer
  };

  std::vector<std::string> targets;
  std::vector<std::string> target_files;
  std::optional<std::uint32_t> count;
  double interval_s = 0.01;
  double period_s = 1;
  std::optional<double> timeout_s;
  std::uint32_t retries = 3;
  std::optional<Ipv4> source;
  std::string interface;
  std::optional<int> ttl;
  std::optional<int> tos;
  std::size_t payload_bytes;  // at least what a probe needs
  Output output = Output::lines;
  std::string system_exclude_file;
  Verbosity verbosity = Verbosity::normal;

  PingConfig();
};

// Parses the arguments behind `echoscan ping`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<PingConfig> parse_ping_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
