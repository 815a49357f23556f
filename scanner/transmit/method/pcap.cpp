#include "scanner/transmit/method/pcap.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <array>
#include <cerrno>

#include "scanner/process/user_error.h"
#include "scanner/transmit/method/packet_socket.h"

namespace echoscan {
namespace {

constexpr int kSnapBytes = 64;
constexpr int kBufferBytes = 1 << 16;

}  // namespace

void PcapTransmitter::Close::operator()(pcap* handle) const {
  pcap_close(handle);
}

PcapTransmitter::PcapTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                                 Clock& clock)
    : OneByOneTransmitter(frame_template, clock) {
  std::array<char, PCAP_ERRBUF_SIZE> text{};
  handle_.reset(pcap_create(interface.name.c_str(), text.data()));
  if (!handle_)
    throw UserError(ExitCode::environment, fmt::format("libpcap refuses: {}", text.data()));
  pcap_set_snaplen(handle_.get(), kSnapBytes);
  pcap_set_buffer_size(handle_.get(), kBufferBytes);
  pcap_set_protocol_linux(handle_.get(), WIRE_ETHERTYPE_LOCAL_EXPERIMENT);
  if (pcap_activate(handle_.get()) < 0 || pcap_setnonblock(handle_.get(), 1, text.data()) != 0)
    throw UserError(ExitCode::environment,
                    fmt::format("libpcap refuses: {}", pcap_geterr(handle_.get())));
  bypass_queueing_discipline(pcap_fileno(handle_.get()));
}

int PcapTransmitter::send_frame(std::span<const std::uint8_t> frame, Ipv4) {
  errno = 0;
  if (pcap_inject(handle_.get(), frame.data(), frame.size()) >= 0) return 0;
  return errno != 0 ? errno : EIO;
}

}  // namespace echoscan
