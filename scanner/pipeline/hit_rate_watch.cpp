#include "scanner/pipeline/hit_rate_watch.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

namespace echoscan {
namespace {

// So many looks at the figures while a reply may take its time.
constexpr std::uint64_t kLooksPerReplyTime = 64;
// A look that is later than this was kept from the CPU, as the receiver may have been.
constexpr std::uint64_t kLateNs = 1'000'000'000;

// How many targets settle it if none replies.
std::uint64_t targets_without_reply(double rate, double error) {
  const double targets = rate < 1 ? std::ceil(std::log(error) / std::log1p(-rate)) : 1;
  return static_cast<std::uint64_t>(std::clamp(targets, 1.0, 1e18));
}

// Nothing throws while a scan runs.
using Quiet = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::pole_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;

}  // namespace

double rate_at_most(std::uint64_t trials, std::uint64_t successes, double error) {
  if (successes >= trials) return 1;
  return boost::math::binomial_distribution<double, Quiet>::find_upper_bound_on_p(
      static_cast<double>(trials), static_cast<double>(successes), error);
}

HitRateWatch::HitRateWatch(std::optional<double> min_rate, std::uint64_t cooldown_ns)
    : min_rate_(min_rate), reply_time_ns_(std::max(cooldown_ns, kReplyTimeMinNs)) {
  if (min_rate_) next_probed_ = targets_without_reply(*min_rate_, kFalseStops / 2);
}

bool HitRateWatch::is_due(std::uint64_t now_ns) const {
  return min_rate_ &&
         (last_look_ns_ == 0 || now_ns - last_look_ns_ >= reply_time_ns_ / kLooksPerReplyTime);
}

std::optional<HitRateTooLow> HitRateWatch::look(std::uint64_t now_ns, const Figures& figures) {
  const bool is_late = last_look_ns_ != 0 &&
                       now_ns - last_look_ns_ > 2 * (reply_time_ns_ / kLooksPerReplyTime) + kLateNs;
  if (figures.is_held_up || is_late) held_up_ns_ = now_ns;
  last_look_ns_ = now_ns;
  samples_.push_back({now_ns, figures.probed});
  while (samples_.size() > 1 && now_ns - samples_[1].at_ns >= reply_time_ns_) samples_.pop_front();
  const Sample& oldest = samples_.front();
  if (now_ns - oldest.at_ns < reply_time_ns_ ||
      (held_up_ns_ != 0 && now_ns - held_up_ns_ < reply_time_ns_))
    return std::nullopt;
  const std::uint64_t probed = oldest.probed - std::min(oldest.probed, figures.lost);
  if (probed < next_probed_) return std::nullopt;
  next_probed_ = 2 * probed;
  error_ /= 2;
  const std::uint64_t replied = std::min(figures.replied, probed);
  const double at_most = rate_at_most(probed, replied, error_);
  if (!(at_most < *min_rate_)) return std::nullopt;
  return HitRateTooLow{probed, replied, at_most, *min_rate_, 1 - kFalseStops};
}

HitRateWatch::Figures hit_rate_figures(const Snapshot& snapshot) {
  const ReceiverFigures& receiver = snapshot.receiver;
  HitRateWatch::Figures figures;
  figures.probed = snapshot.targets_probed();
  figures.replied =
      receiver.replied + receiver.frames.outcome[FRAME_RING_FULL] + receiver.dropped_unseen;
  figures.lost = snapshot.sum(&SenderFigures::gone_back) + snapshot.sum(&SenderFigures::in_doubt);
  figures.is_held_up = receiver.is_backlogged || snapshot.output.is_limit;
  return figures;
}

}  // namespace echoscan
