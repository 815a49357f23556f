#include "scanner/path/receive_path.h"

#include <fmt/format.h>

#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "scanner/receive/source/packet_receiver.h"
#include "scanner/receive/source/xdp_reply_filter.h"

namespace echoscan {

ReceivePath open_receive_path(Method method, const Interface& interface,
                              const match_config& match) {
  if (!interface.is_ethernet && !interface.is_loopback) {
    log_info("no Ethernet on {}: replies are received by AF_PACKET", interface.name);
    return {std::make_unique<PacketReceiver>(interface, match), false};
  }
  auto filter = XdpReplyFilter::attach(interface, match);
  if (filter) {
    if (const std::optional<Refusal>& why_not_native = (*filter)->why_not_native())
      log_warning("no native XDP on {} ({}): replies are matched in generic mode, which is slower",
                  interface.name, why_not_native->reason);
    return {std::move(*filter), true};
  }
  const XdpReplyFilter::NoXdp& why = filter.error();
  const bool is_needed =
      method == Method::automatic ? why.is_foreign : traits_of(method).needs_reply_filter;
  if (is_needed)
    throw UserError(ExitCode::environment,
                    fmt::format("cannot attach to {}: {}; {}use --method af_packet", interface.name,
                                why.reason, why.is_foreign ? "detach it or " : ""));
  auto receiver = std::make_unique<PacketReceiver>(interface, match);
  log_warning("no XDP on {}, {}: {} AF_PACKET", interface.name, why.reason,
              method == Method::automatic ? "sending and receiving by" : "replies are received by");
  return {std::move(receiver), false};
}

XdpTrial try_xdp(const Interface& interface) {
  auto filter = XdpReplyFilter::attach(interface, {});
  XdpTrial trial;
  if (!filter) {
    trial.native = refused(filter.error().reason, filter.error().native_error);
    trial.generic = refused(filter.error().reason, filter.error().error);
    return trial;
  }
  if (const std::optional<Refusal>& why_not_native = (*filter)->why_not_native())
    trial.native = tl::make_unexpected(*why_not_native);
  trial.source = std::move(*filter);
  return trial;
}

std::string describe_xdp_program(const Interface& interface) {
  return XdpReplyFilter::describe_program(interface);
}

}  // namespace echoscan
