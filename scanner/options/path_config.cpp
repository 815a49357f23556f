#include "scanner/options/path_config.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "scanner/network/dpdk_arguments.h"
#include "scanner/options/option_group.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kVlanMax = 4094;

// What the kernel knows of its own interfaces, and nobody of a card of DPDK's.
void add_port_options(CLI::App& app, PathConfig& config) {
  OptionGroup group(app, "DPDK");
  group.value("--gateway", "ADDRESS",
              "With --method dpdk: the next hop, asked for by ARP [the kernel's, where -i is its "
              "interface]",
              [&config](const std::string& option, const std::string& text) {
                config.gateway = parse_ipv4(text);
                if (!config.gateway) refuse(option, text, "an IPv4 address");
              });
  group.value("--vlan", "ID", "With --method dpdk: the VLAN that frames are tagged for [none]",
              [&config](const std::string& option, const std::string& text) {
                config.vlan = static_cast<std::uint16_t>(parse_count(option, text, 1, kVlanMax));
              });
  group.text("--dpdk-args", "TEXT", "With --method dpdk: arguments for DPDK itself; docs/dpdk.md",
             config.dpdk_args);
}

// One address is no pool: then nothing depends on the target.
void add_sources(OptionGroup& group, PathConfig& config) {
  group.value(
      "-S,--source-ip", "ADDRESS,...",
      "Address that probes come from, or a pool: addresses, ranges and blocks, of which each "
      "target gets one by the seed [the interface's]",
      [&config](const std::string& option, const std::string& text) {
        tl::expected<SourcePool, std::string> pool = SourcePool::parse(text);
        if (!pool)
          refuse(option, excerpt(text),
                 fmt::format("an IPv4 address, a range, a block, or a list of these: {}",
                             pool.error()));
        config.source_ip = pool->addresses().front();
        config.source_pool = pool->size() > 1 ? std::move(*pool) : SourcePool();
      });
}

[[noreturn]] void refuse_use(const std::string& sentence) {
  throw UserError(ExitCode::bad_usage, sentence + " (see docs/dpdk.md)");
}

}  // namespace

void add_path_options(CLI::App& app, PathConfig& config) {
  OptionGroup group(app, "Network");
  group.text("-i,--interface", "IF",
             "Interface to send from [the one that the route to the targets leaves by]",
             config.interface_name);
  add_sources(group, config);
  group.value("-G,--gateway-mac", "MAC", "Ethernet address of the next hop [asked of the kernel]",
              [&config](const std::string& option, const std::string& text) {
                config.gateway_mac = parse_mac(text);
                if (!config.gateway_mac)
                  refuse(option, text, "an Ethernet address like 02:00:5e:10:00:01");
              });
  group.value("--method", scan_method_names(),
              "How to send: auto is af_xdp zero-copy, else xdp_live from 500k a queue on, else "
              "af_xdp copy, else af_packet, and says why [auto]",
              [&config](const std::string& option, const std::string& text) {
                std::vector<std::pair<std::string, Method>> choices{{"auto", Method::automatic}};
                for (const MethodTraits& method : all_methods())
                  if (method.in_scan) choices.emplace_back(method.name, method.method);
                config.method = parse_choice<Method>(option, text, choices);
              });
  add_port_options(app, config);
}

void check_port_options(const PathConfig& config) {
  if (config.method != Method::dpdk) {
    const char* const given = config.gateway              ? "--gateway"
                              : config.vlan               ? "--vlan"
                              : !config.dpdk_args.empty() ? "--dpdk-args"
                                                          : nullptr;
    if (given == nullptr) return;
    refuse_use(fmt::format("{} is for --method dpdk: of other methods the kernel knows it", given));
  }
  if (config.interface_name.empty())
    refuse_use("--method dpdk needs -i with the card's PCI address, as `lspci -D` prints it");
  // Of an interface that the kernel keeps it knows the rest, and which there are is asked later.
  if (is_kernel_name(config.interface_name, config.dpdk_args)) {
    if (const auto reason = why_refused(config.dpdk_args)) refuse_use(*reason);
    return;
  }
  if (!config.source_ip)
    refuse_use("--method dpdk needs --source-ip: no kernel has an address for that card");
  if (!config.gateway && !config.gateway_mac)
    refuse_use("--method dpdk needs --gateway or --gateway-mac: no kernel has a route for it");
  // Whether the machine has such a card is asked later; what nothing can be made of is wrong now.
  const auto arguments = make_dpdk_arguments(config.interface_name, config.dpdk_args, {});
  if (!arguments) refuse_use(arguments.error());
}

void check_path_options(const PathConfig& config, bool names_user) {
  if (config.busy_poll && config.method != Method::af_xdp && config.method != Method::af_xdp_copy)
    throw UserError(ExitCode::bad_usage,
                    "--busy-poll is AF_XDP's: it needs --method af_xdp or af_xdp_copy");
  check_port_options(config);
  if (config.method == Method::dpdk && names_user)
    throw UserError(ExitCode::bad_usage,
                    "--user: with --method dpdk the user stays the same, since the card's driver "
                    "runs in this process (docs/security.md)");
}

void add_header_options(CLI::App& app, PathConfig& config) {
  constexpr unsigned kEcnBits = 2;
  OptionGroup group(app, "Network");
  group.value("--ttl", "N", "Time to live of the probes [64]",
              [&config](const std::string& option, const std::string& text) {
                config.ttl = static_cast<std::uint8_t>(parse_count(option, text, 1, 255));
              });
  group.value("--tos", "N", "Type of service of the probes: the DSCP, times 4 [0]",
              [&config](const std::string& option, const std::string& text) {
                config.tos = static_cast<std::uint8_t>(parse_count(option, text, 0, 255));
              });
  group.value("--dscp", "N", "The same as a DSCP, as in 8 for CS1 (lower effort) [0]",
              [&config](const std::string& option, const std::string& text) {
                config.tos =
                    static_cast<std::uint8_t>(parse_count(option, text, 0, 63) << kEcnBits);
              });
}

}  // namespace echoscan
