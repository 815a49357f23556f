// Which way the probes of a scan go: the options of the group "Network".
//
// It has a header of its own so that scanner/path/ does not include all of a scan's options. The
// set-up there finds out whether the interface exists and the method works on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scanner/network/mac_address.h"
#include "scanner/network/source_pool.h"
#include "scanner/options/method.h"
#include "scanner/options/payload_config.h"
#include "targets/address.h"

namespace CLI {
class App;
}

namespace echoscan {

struct PathConfig {
  std::string interface_name;             // empty: the one that the route to the targets leaves by
  std::optional<Ipv4> source_ip;          // absent: the interface's; of a pool the first
  SourcePool source_pool;                 // empty unless probes come from several addresses
  std::optional<MacAddress> gateway_mac;  // absent: asked of the kernel
  Method method = Method::automatic;
  std::optional<Ipv4> gateway;        // of a card that the kernel does not drive
  std::optional<std::uint16_t> vlan;  // likewise: the tag of its frames
  std::string dpdk_args;              // for DPDK, behind those that the program makes
  unsigned queues = 0;                // 0: all of the interface's, at most the CPUs allowed
  bool busy_poll = false;
  std::uint8_t ttl = 64;  // of the probes' IPv4 headers
  std::uint8_t tos = 0;   // the same: DSCP times 4, and ECN
  PayloadConfig payload;
  double link_timeout_s = 30;
  double wait_s = 60;  // for another scan's end, which is at the interface or at the results
};

// Adds the options that narrow which way probes go: -i, --source-ip, --gateway-mac, --method, and
// what a card of DPDK's needs besides. add_header_options: --ttl, --tos and --dscp.
// `config` must outlive the parsing.
void add_path_options(CLI::App& app, PathConfig& config);
void add_header_options(CLI::App& app, PathConfig& config);

// What `--method dpdk` needs, since no kernel says it, and what it alone has. Throws UserError.
void check_port_options(const PathConfig& config);
// The same for a scan, with what goes with one method alone. `names_user`: there is a --user.
void check_path_options(const PathConfig& config, bool names_user);

}  // namespace echoscan
