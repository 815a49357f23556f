// The server of --metrics: a page for Prometheus over HTTP, on a thread of its own.
//
// GET and HEAD of /metrics and /healthz are answered, one request a connection. A peer may send
// nothing, garbage or all it has, and take nothing: a connection has kConnectionMs and
// kHeaderBytes, there are kConnectionsMax, the oldest makes room, and a new one is taken each
// kAcceptMs at most, so that a flood of them costs a few percent of a CPU. Rejected: the io_context
// that the control polls each 10 ms, since poll() goes on as long as anything is ready, and peers
// would decide when a scan may look at its signals and limits. Boost.Beast, 10 s of compiling, is
// in the .cpp file alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace echoscan {

class MetricsServer {
 public:
  static constexpr int kConnectionsMax = 16;
  static constexpr int kConnectionMs = 5000;
  static constexpr int kHeaderBytes = 8192;
  static constexpr int kAcceptMs = 5;

  // Listens at the address, IPv4 or IPv6; port 0 is one that is free. Throws UserError when that
  // cannot be had, std::system_error when there can be no thread.
  MetricsServer(const std::string& address, std::uint16_t port);
  // Ends connections and thread at once.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // What /metrics is from now on. Any thread; waits for no peer.
  void put(std::string page) noexcept;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace echoscan
