// The methods of sending, by name: what `--method` and `--methods` choose from, and what is known
// of each before it is opened.
//
// Here are names and traits alone, so that options need no transmitters;
// scanner/path/transmit_path.cpp opens them, by a switch that the compiler knows to be complete. A
// new method is an enumerator here, a row in method.cpp, a case there, and a file pair in
// scanner/transmit/method/.
#pragma once

#include <span>
#include <string>

namespace echoscan {

enum class Method {
  automatic,
  af_xdp,
  af_xdp_copy,
  xdp_live,
  af_packet,
  packet_mmap,
  pcap,
  raw_socket,
  ping_socket,
  asio,
  dpdk,
  dpdk_null,
};

struct MethodTraits {
  Method method;
  const char* name;                 // on the command line
  const char* what;                 // for people, a clause
  bool in_scan = true;              // false: `bench` alone has it
  bool sends_frames = true;         // Ethernet frames; false: packets, which the kernel routes
  bool needs_reply_filter = false;  // cannot send without an XDP program on the interface
  bool needs_port = false;          // a card that the kernel does not drive
};

// All methods but `auto`, fastest first as a rule.
std::span<const MethodTraits> all_methods();

// `method` is not Method::automatic, which is a choice between methods and has no traits.
const MethodTraits& traits_of(Method method);

// "auto|af_xdp|...": the methods of `scan`, for --help.
std::string scan_method_names();

}  // namespace echoscan
