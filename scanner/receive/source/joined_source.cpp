#include "scanner/receive/source/joined_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace echoscan {

JoinedSource::JoinedSource(std::vector<std::unique_ptr<ReplySource>> sources,
                           std::vector<std::string> interfaces)
    : sources_(std::move(sources)), interfaces_(std::move(interfaces)) {
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (FilterAttachment* attachment = sources_[i]->attachment(); attachment != nullptr)
      filters_.push_back({attachment, i});
}

std::size_t JoinedSource::receive(std::span<reply> replies) {
  std::size_t filled = 0;
  for (std::size_t i = 0; i < sources_.size() && filled < replies.size(); ++i) {
    const std::size_t number = (next_ + i) % sources_.size();
    const std::size_t received = sources_[number]->receive(replies.subspan(filled));
    for (reply& reply : replies.subspan(filled, received))
      reply.arrival = static_cast<std::uint8_t>(number);
    filled += received;
  }
  next_ = (next_ + 1) % sources_.size();
  return filled;
}

void JoinedSource::stop() {
  for (const auto& source : sources_) source->stop();
}

frame_counters JoinedSource::outcomes() const {
  frame_counters sum{};
  for (const auto& source : sources_) {
    const frame_counters part = source->outcomes();
    sum.seen += part.seen;
    for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i) sum.outcome[i] += part.outcome[i];
  }
  return sum;
}

std::uint64_t JoinedSource::dropped_unseen() const {
  std::uint64_t sum = 0;
  for (const auto& source : sources_) sum += source->dropped_unseen();
  return sum;
}

std::uint64_t JoinedSource::passed_on() const {
  std::uint64_t sum = 0;
  for (const auto& source : sources_) sum += source->passed_on();
  return sum;
}

std::int64_t JoinedSource::clock_drift_ns() const {
  std::int64_t drift = 0;
  for (const auto& source : sources_)
    if (const std::int64_t of_source = source->clock_drift_ns();
        std::abs(of_source) > std::abs(drift))
      drift = of_source;
  return drift;
}

bool JoinedSource::is_attached() const {
  for (const Filter& filter : filters_) {
    if (!filter.is_off()) continue;
    missed_ = filter.source;
    return false;
  }
  return true;
}

std::string JoinedSource::further_interface() const {
  return missed_ == 0 ? std::string() : interfaces_[missed_];
}

std::uint64_t JoinedSource::frames_seen() const {
  const Filter& first = filters_.front();
  return first.source == 0 ? first.attachment->frames_seen() : outcomes().seen;
}

tl::expected<void, Refusal> JoinedSource::attach_again() {
  bool is_any_off = false;
  for (const Filter& filter : filters_) {
    if (!filter.is_off()) continue;
    is_any_off = true;
    if (auto attached = filter.attachment->attach_again(); !attached) return attached;
  }
  if (is_any_off) return {};
  missed_ = filters_.front().source;
  return filters_.front().attachment->attach_again();
}

bool JoinedSource::is_backlogged() const {
  return std::ranges::any_of(sources_, [](const auto& source) { return source->is_backlogged(); });
}

ReplyRings JoinedSource::rings() const {
  for (const auto& source : sources_)
    if (const ReplyRings rings = source->rings(); rings) return rings;
  return {};
}

std::string JoinedSource::mode() const {
  std::string text = sources_.front()->mode();
  for (std::size_t begin = 1; begin < sources_.size();) {
    const std::string mode = sources_[begin]->mode();
    std::size_t end = begin + 1;
    while (end < sources_.size() && sources_[end]->mode() == mode) ++end;
    text +=
        fmt::format(", {} on {} other interface{}", mode, end - begin, end - begin == 1 ? "" : "s");
    begin = end;
  }
  return text;
}

}  // namespace echoscan
