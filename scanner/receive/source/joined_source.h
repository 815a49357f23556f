// Several sources of replies as one: a scan that sends out of several interfaces receives on each.
//
// Every frame is seen by the source of the interface that it comes in on, so that none is counted
// twice; an account is the sum. One reader for all keeps one bitmap of who has answered. Each call
// begins with the next source, so that a flood on one does not starve the others. Reply filters are
// watched as one: whichever is taken off is attached again.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scanner/receive/reply_source.h"

namespace echoscan {

class JoinedSource : public ReplySource, public FilterAttachment {
 public:
  // At least one, and of each the interface; 256 at most. Replies carry the number of theirs.
  JoinedSource(std::vector<std::unique_ptr<ReplySource>> sources,
               std::vector<std::string> interfaces);

  std::size_t receive(std::span<reply> replies) override;
  void stop() override;
  [[nodiscard]] frame_counters outcomes() const override;
  [[nodiscard]] std::uint64_t dropped_unseen() const override;
  [[nodiscard]] std::uint64_t passed_on() const override;
  // The largest of any source's.
  [[nodiscard]] std::int64_t clock_drift_ns() const override;
  // Of all sources that have one; null when none has.
  FilterAttachment* attachment() override { return filters_.empty() ? nullptr : this; }
  // A further interface that is gone is none of its own: what was behind it has no way any more,
  // which the routes say.
  [[nodiscard]] bool is_attached() const override;
  [[nodiscard]] std::string further_interface() const override;
  // By the filter of the path's own interface, with whose count the control compares it. Where that
  // one has none, what all sources have seen: it grows with each reply.
  [[nodiscard]] std::uint64_t frames_seen() const override;
  // Attaches those that are off; if none is, the path's own.
  tl::expected<void, Refusal> attach_again() override;
  [[nodiscard]] bool is_backlogged() const override;
  // Those of the first source that has some: the one of the interface that live frames leave.
  [[nodiscard]] ReplyRings rings() const override;
  [[nodiscard]] std::span<const std::string> interfaces() const override { return interfaces_; }
  [[nodiscard]] std::string mode() const override;

 private:
  std::vector<std::unique_ptr<ReplySource>> sources_;
  std::vector<std::string> interfaces_;
  struct Filter {
    FilterAttachment* attachment;
    std::size_t source;
    // Whether it is not where it should be.
    [[nodiscard]] bool is_off() const {
      return !attachment->is_attached() && (source == 0 || attachment->has_interface());
    }
  };
  std::vector<Filter> filters_;
  mutable std::size_t missed_ = 0;  // the source whose filter was off when it was last looked for
  std::size_t next_ = 0;
};

}  // namespace echoscan
