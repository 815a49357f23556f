#include "scanner/options/method.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace echoscan {
namespace {

constexpr std::array kMethods{
    MethodTraits{.method = Method::af_xdp,
                 .name = "af_xdp",
                 .what = "AF_XDP, zero-copy where the driver has it, else copy",
                 .needs_reply_filter = true},
    MethodTraits{.method = Method::af_xdp_copy,
                 .name = "af_xdp_copy",
                 .what = "AF_XDP, copy mode even where the driver has zero-copy",
                 .needs_reply_filter = true},
    MethodTraits{
        .method = Method::xdp_live,
        .name = "xdp_live",
        .what = "frames made in the kernel by an XDP program, live frames of BPF_PROG_TEST_RUN",
        .needs_reply_filter = true},
    MethodTraits{
        .method = Method::af_packet, .name = "af_packet", .what = "AF_PACKET, sendmmsg of 64"},
    MethodTraits{.method = Method::packet_mmap,
                 .name = "packet_mmap",
                 .what = "AF_PACKET, memory-mapped PACKET_TX_RING"},
    MethodTraits{.method = Method::pcap, .name = "pcap", .what = "libpcap, a pcap_inject a probe"},
    MethodTraits{.method = Method::raw_socket,
                 .name = "raw_socket",
                 .what = "raw IPv4 socket, sendmmsg of 64",
                 .sends_frames = false},
    MethodTraits{.method = Method::ping_socket,
                 .name = "ping_socket",
                 .what = "ping socket, a sendto a probe",
                 .in_scan = false,
                 .sends_frames = false},
    MethodTraits{.method = Method::asio,
                 .name = "asio",
                 .what = "Boost.Asio ip::icmp socket, a send_to a probe",
                 .in_scan = false,
                 .sends_frames = false},
    MethodTraits{.method = Method::dpdk,
                 .name = "dpdk",
                 .what = "a card of its own, driven in user space by DPDK; see docs/dpdk.md",
                 .needs_port = true},
    MethodTraits{.method = Method::dpdk_null,
                 .name = "dpdk_null",
                 .what = "DPDK's net_null, which drops what it is given: user space alone",
                 .in_scan = false,
                 .needs_port = true},
};

}  // namespace

std::span<const MethodTraits> all_methods() {
  return kMethods;
}

const MethodTraits& traits_of(Method method) {
  const auto* found = std::ranges::find(kMethods, method, &MethodTraits::method);
  assert(found != kMethods.end());
  return *found;
}

std::string scan_method_names() {
  std::string names = "auto";
  for (const MethodTraits& method : kMethods)
    if (method.in_scan) names += std::string("|") + method.name;
  return names;
}

}  // namespace echoscan
