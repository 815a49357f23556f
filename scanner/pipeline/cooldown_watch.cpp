#include "scanner/pipeline/cooldown_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "output/summary/figure_text.h"
#include "scanner/process/clock.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kWindowMaxNs = 1'000'000'000;

// How many come in `windows` more windows, when each brings `share` of what the one before it did.
double still_to_come(double last, double share, double windows) {
  if (share >= 1) return last * windows;
  return last * share * (1 - std::pow(share, windows)) / (1 - share);
}

}  // namespace

std::uint64_t CooldownWatch::window_ns() const {
  return std::min(kWindowMaxNs, length_ns_ / 4);
}

void CooldownWatch::begin(std::uint64_t now_ns) {
  began_ns_ = now_ns;
  look_count_ = 0;
}

bool CooldownWatch::is_due(std::uint64_t now_ns) const {
  return look_count_ < 2 && now_ns - began_ns_ >= length_ns_ - (2 - look_count_) * window_ns();
}

void CooldownWatch::look(std::uint64_t now_ns, std::uint64_t replied) {
  if (is_due(now_ns)) looks_[look_count_++] = {now_ns, replied};
}

void CooldownWatch::close(std::uint64_t now_ns, std::uint64_t replied, double mean_per_s) {
  if (look_count_ < 2 || now_ns <= looks_[1].at_ns || looks_[1].at_ns <= looks_[0].at_ns) return;
  const double last_s = to_seconds(now_ns - looks_[1].at_ns);
  const auto last = static_cast<double>(replied - looks_[1].replied);
  const double rate_per_s = last / last_s;
  if (last == 0 || rate_per_s < kRateShareMin * mean_per_s) return;
  const double before_per_s = static_cast<double>(looks_[1].replied - looks_[0].replied) /
                              to_seconds(looks_[1].at_ns - looks_[0].at_ns);
  const double share = before_per_s > rate_per_s ? rate_per_s / before_per_s : 1;
  const double kept = still_to_come(last, share, to_seconds(length_ns_) / last_s);
  events_.add_loss(
      now_ns,
      fmt::format("replies still came when the cooldown ended: {:.1f} a second, {:.1f} in the mean "
                  "of the scan",
                  rate_per_s, mean_per_s),
      fmt::format("who answers later is called silent; --cooldown {:g} would have kept about {} "
                  "more",
                  2 * to_seconds(length_ns_),
                  with_thousands(static_cast<std::uint64_t>(std::max(1.0, std::round(kept))))));
}

}  // namespace echoscan
