#include "scanner/pipeline/settings_watch.h"

#include <fmt/format.h>

#include "output/summary/figure_text.h"

namespace echoscan {

void SettingsWatch::look(std::uint64_t now_ns) {
  if (looked_ns_ != 0 && now_ns - looked_ns_ < kLookNs) return;
  looked_ns_ = now_ns;
  const std::optional<LinkSettings> now = link_.settings();
  if (!now) return;
  if (settings_ && now->mtu != settings_->mtu) note_mtu(now_ns, now->mtu);
  // Some drivers do not say it while they are set up again.
  if (settings_ && now->transmit_queues != settings_->transmit_queues && now->transmit_queues > 0 &&
      settings_->transmit_queues > 0)
    note_queues(now_ns, now->transmit_queues);
  settings_ = now;
}

void SettingsWatch::note_mtu(std::uint64_t now_ns, int mtu) {
  const std::string what = fmt::format("the MTU of {} has become {}, it was {}",
                                       link_.current_name(), mtu, settings_->mtu);
  if (mtu < settings_->mtu) {
    events_.add_loss(now_ns, what, "longer packets are refused from now on");
  } else {
    events_.add_return(now_ns, what, "sending goes on");
  }
}

void SettingsWatch::note_queues(std::uint64_t now_ns, unsigned queues) {
  const std::string what =
      fmt::format("{} has {} transmit queue{} now, it had {}", link_.current_name(), queues,
                  plural(queues), settings_->transmit_queues);
  if (queues < settings_->transmit_queues) {
    events_.add_loss(now_ns, what, "sending goes on by those that are left");
  } else {
    events_.add_return(now_ns, what, "sending goes on");
  }
}

}  // namespace echoscan
