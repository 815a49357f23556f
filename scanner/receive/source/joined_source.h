// Several sources of replies as one: a scan that sends out of several interfaces receives on each.
//
// Every frame is seen by the source of the interface that it comes in on, so that none is counted
// twice; an account is the sum. One reader for all keeps one bitmap of who has answered. Each call
// begins with the next source, so that a flood on one does not starve the others.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scanner/receive/reply_source.h"

namespace echoscan {

class JoinedSource : public ReplySource {
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
  // That of the first source which has one; no two do, as only one interface gets the filter.
  FilterAttachment* attachment() override;
  [[nodiscard]] bool is_backlogged() const override;
  // Those of the first source that has some, as above.
  [[nodiscard]] ReplyRings rings() const override;
  [[nodiscard]] std::span<const std::string> interfaces() const override { return interfaces_; }
  [[nodiscard]] std::string mode() const override;

 private:
  std::vector<std::unique_ptr<ReplySource>> sources_;
  std::vector<std::string> interfaces_;
  std::size_t next_ = 0;
};

}  // namespace echoscan
