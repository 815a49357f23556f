#include "scanner/options/path_config.h"

#include <utility>
#include <vector>

#include "scanner/options/option_group.h"

namespace echoscan {

void add_path_options(CLI::App& app, PathConfig& config) {
  OptionGroup group(app, "Network");
  group.text("-i,--interface", "IF",
             "Interface to send from [the one that the route to the targets leaves by]",
             config.interface_name);
  group.value("-S,--source-ip", "ADDRESS", "Address that probes come from [the interface's]",
              [&config](const std::string& option, const std::string& text) {
                config.source_ip = parse_ipv4(text);
                if (!config.source_ip) refuse(option, text, "an IPv4 address");
              });
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
