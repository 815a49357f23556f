// A socket of the kernel's that sends echo requests and receives what answers them.
//
// An unprivileged ping socket where net.ipv4.ping_group_range allows one, as ping(8) has it, else a
// raw socket, which takes CAP_NET_RAW. The request is that of a scan (bpf/probe.h) behind an
// identifier of the socket's: its payload proves target and time of sending, so that nobody who has
// not seen the request can answer it, and no table of requests is kept. Errors come by the socket's
// error queue (IP_RECVERR, ip(7)). Arrival is the kernel's stamp, as far as CLOCK_REALTIME was not
// set meanwhile; else the time of reading, which is some 50 us late.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/probe.h"
#include "scanner/ping/echo_port.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

class EchoSocket : public EchoPort {
 public:
  struct Settings {
    std::optional<Ipv4> source;  // absent: the kernel's choice
    std::string interface;       // empty: the kernel's choice
    std::optional<int> ttl;
    std::optional<int> tos;
    std::size_t payload_bytes = PROBE_PAYLOAD_BYTES;  // at least these
  };

  // Throws UserError when neither kind of socket may be opened or the settings are refused, else
  // std::system_error. `clock` is CLOCK_MONOTONIC and must outlive the socket.
  EchoSocket(const Settings& settings, Clock& clock);

  int send(Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) override;
  void receive(std::uint64_t until_ns, std::vector<EchoNews>& news) override;

  // "ping socket", "raw socket"; for the log.
  [[nodiscard]] const char* kind() const { return is_raw_ ? "raw socket" : "ping socket"; }

 private:
  int try_send(Ipv4 target);
  void read_replies(std::vector<EchoNews>& news);
  void read_errors(std::vector<EchoNews>& news);
  [[nodiscard]] std::optional<EchoNews> read_reply(const std::uint8_t* bytes, std::size_t size,
                                                   Ipv4 source, int ttl, std::uint64_t arrived_ns);
  [[nodiscard]] std::uint64_t arrival_ns(std::optional<std::int64_t> stamp_ns) const;

  Clock& clock_;
  bool is_raw_ = false;  // before the socket, whose opening says so
  FileDescriptor socket_;
  std::uint16_t identifier_ = 0;  // in network byte order, of a raw socket's requests
  probe_key key_{};
  std::vector<std::uint8_t> request_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t emptied_ns_ = 0;  // when nothing was left to read
  std::vector<EchoNews> early_;   // found while a request was refused
};

}  // namespace echoscan
