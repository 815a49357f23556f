#include "scanner/path/receive_path.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "scanner/process/user_error.h"
#include "scanner/receive/source/packet_receiver.h"
#include "scanner/receive/source/xdp_reply_filter.h"

namespace echoscan {

ReceivePath open_receive_path(Method method, const Interface& interface,
                              const match_config& match) {
  using Refusal = XdpReplyFilter::Refusal;
  if (!interface.is_ethernet && !interface.is_loopback) {
    spdlog::info("no Ethernet on {}: replies are received by AF_PACKET", interface.name);
    return {std::make_unique<PacketReceiver>(interface, match), false};
  }
  XdpReplyFilter::Attempt attempt = XdpReplyFilter::attach(interface, match);
  if (attempt.filter) {
    if (!attempt.reason.empty())
      spdlog::warn("no native XDP on {} ({}): replies are matched in generic mode, which is slower",
                   interface.name, attempt.reason);
    return {std::move(attempt.filter), true};
  }
  const bool is_foreign = attempt.refusal == Refusal::foreign_program;
  const bool is_needed =
      method == Method::automatic ? is_foreign : traits_of(method).needs_reply_filter;
  if (is_needed)
    throw UserError(ExitCode::environment,
                    fmt::format("cannot attach to {}: {}; {}use --method af_packet", interface.name,
                                attempt.reason, is_foreign ? "detach it or " : ""));
  auto receiver = std::make_unique<PacketReceiver>(interface, match);
  spdlog::warn(
      "no XDP on {}, {}: {} AF_PACKET", interface.name, attempt.reason,
      method == Method::automatic ? "sending and receiving by" : "replies are received by");
  return {std::move(receiver), false};
}

XdpTrial try_xdp(const Interface& interface) {
  XdpReplyFilter::Attempt attempt = XdpReplyFilter::attach(interface, {});
  return {std::move(attempt.filter), attempt.reason};
}

std::string describe_xdp_program(const Interface& interface) {
  return XdpReplyFilter::describe_program(interface);
}

}  // namespace echoscan
