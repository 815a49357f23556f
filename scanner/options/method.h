// The ways to send, by name: what `--method` chooses from.
//
// Names alone, so that the configuration need not know what stands behind them; transmit_path.cpp
// has the table that does. A new method is an enumerator here, a row there, and a file pair in
// scanner/transmit/.
#pragma once

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
};

}  // namespace echoscan
